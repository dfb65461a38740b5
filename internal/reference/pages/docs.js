// The search box finds as one types. Without this script its form asks the server.
const box = document.getElementById('search');
const panel = document.getElementById('found');
const [told, list] = panel.children;
const most = 30;

let index;
const load = () => (index ??= fetch('search.json').then(answer => answer.json()));
box.addEventListener('focus', load);

function rank({ name, what }, asked) {
  const question = asked.toLowerCase();
  const whole = name.toLowerCase();
  const last = whole.slice(whole.indexOf('.') + 1);
  const tests = [name === asked, whole === question, last === question, whole.startsWith(question), last.startsWith(question), whole.includes(question), what.toLowerCase().includes(question)];
  return tests.indexOf(true);
}

async function find() {
  const question = box.value.trim();
  const all = await load();
  if (question !== box.value.trim()) return; // more was typed meanwhile
  const found = question === '' ? [] : all
    .map(hit => ({ hit, place: rank(hit, question) }))
    .filter(({ place }) => place >= 0)
    .sort((a, b) => a.place - b.place);
  told.textContent = found.length === 1 ? '1 found' : `${found.length} found`;
  list.replaceChildren(...found.slice(0, most).map(({ hit }) => {
    const item = document.createElement('li');
    const link = document.createElement('a');
    const name = document.createElement('code');
    const kind = document.createElement('small');
    const what = document.createElement('i');
    link.href = hit.to;
    name.textContent = hit.name;
    kind.textContent = ` ${hit.kind}`;
    what.textContent = hit.what;
    link.append(name, kind, what);
    item.append(link);
    return item;
  }));
  panel.hidden = question === '';
}

const close = () => (panel.hidden = true);
box.addEventListener('input', find);

// Down and up walk through the list, Escape leaves it, / comes back from anywhere.
panel.parentElement.addEventListener('keydown', event => {
  const links = [...list.querySelectorAll('a')];
  const at = links.indexOf(document.activeElement);
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.key === 'Escape') {
    close();
    box.focus();
  } else if (step && !panel.hidden && links.length > 0) {
    event.preventDefault();
    (links[at + step] ?? box).focus();
  }
});

// Enter in the box goes to the first that was found; the button asks the server.
box.form.addEventListener('submit', event => {
  const first = list.querySelector('a');
  if (document.activeElement !== box || panel.hidden || !first) return;
  event.preventDefault();
  first.click();
});
document.addEventListener('keydown', event => {
  if (event.key === '/' && !event.ctrlKey && !event.metaKey && !event.altKey && document.activeElement !== box) {
    event.preventDefault();
    box.focus();
    box.select();
  }
});
document.addEventListener('click', event => {
  if (!panel.parentElement.contains(event.target) || event.target.closest('#found a')) close();
});
