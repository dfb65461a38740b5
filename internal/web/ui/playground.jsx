// The playground: GraphiQL with the schema's explorer, its documentation, the
// history and a menu of example operations. Everything it needs comes from the
// server that serves it; the settings come with the page (see page.html).

// Imported for its styles: the bundler puts a style sheet into playground.css
// only when it is reached without a dynamic import, and GraphiQL has only one.
import 'monaco-graphql/esm/monaco-editor.js';
import { explorerPlugin } from '@graphiql/plugin-explorer';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { GraphiQL } from 'graphiql';
import { Kind, parse } from 'graphql';
import { createRoot } from 'react-dom/client';
import '@graphiql/react/style.css';
import 'graphiql/graphiql.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import './playground.css';

const settings = JSON.parse(document.getElementById('settings').textContent);

globalThis.MonacoEnvironment = {
  getWorker(_, label) {
    const url = settings.workers[label] ?? settings.workers.editor;
    return new Worker(new URL(url, document.baseURI), { type: 'module', name: label });
  },
};

// Panes are as wide as their content likes, until somebody drags them.
const widths = {
  'graphiql:docExplorerFlex': '0.25',
  'graphiql:editorFlex': '1.3',
  'graphiql:secondaryEditorFlex': '4',
};
const storage = {
  getItem: key => localStorage.getItem(key) ?? widths[key] ?? null,
  setItem: (key, value) => localStorage.setItem(key, histories.has(key) ? withoutHeaders(value) : value),
  removeItem: key => localStorage.removeItem(key),
  clear: () => localStorage.clear(),
  get length() {
    return localStorage.length;
  },
};

// A key must not stay behind on a machine that several people use. GraphiQL can
// be told so (shouldPersistHeaders), but its history keeps headers all the same.
const histories = new Set(['graphiql:queries', 'graphiql:favorites']);

function withoutHeaders(value) {
  return JSON.stringify(JSON.parse(value), (key, part) => (key === 'headers' ? undefined : part));
}

// The header box starts with a hint instead of nothing. It may hold comments.
const headersHint = `{
  // An API key goes here:
  // "Authorization": "Bearer …"
}
`;

// fetcher sends one operation. A query or mutation gives its answer, a
// subscription something to observe.
function fetcher(params, { headers } = {}) {
  const operations = operationsIn(params.query);
  let operation = operations.find(({ name }) => name?.value === params.operationName);
  if (!operation && operations.length === 1) {
    // GraphiQL reads the name a moment after the last key, so it may be that of
    // the text before. With one operation there is nothing to choose.
    [operation] = operations;
    params = { ...params, operationName: operation.name?.value };
  }
  return operation?.operation === 'subscription' ? follow(params, headers) : ask(params, headers);
}

function operationsIn(text) {
  try {
    return parse(text).definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  } catch {
    return []; // the server says better what is wrong with it
  }
}

function post(params, headers, accept, signal) {
  return fetch(settings.endpoint, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: accept, ...headers },
    body: JSON.stringify(params),
    signal,
  });
}

// ask returns the answer to a query or mutation. What is not a GraphQL answer
// (a proxy's page, a server that has gone) becomes one that says so.
async function ask(params, headers) {
  let response;
  try {
    response = await post(params, headers, 'application/graphql-response+json, application/json;q=0.9');
  } catch (error) {
    return problem(`The server cannot be reached at ${settings.endpoint} (${error.message}). Is it still running?`);
  }
  return answer(response);
}

async function answer(response) {
  try {
    return await response.json();
  } catch {
    return problem(`The server answered ${response.status} ${response.statusText}, but not with JSON.`);
  }
}

function problem(message) {
  return { errors: [{ message }] };
}

// follow subscribes by server-sent events rather than a WebSocket: the request
// is an ordinary one, and so takes the key from the header box.
function follow(params, headers) {
  return {
    subscribe(observer) {
      const stop = new AbortController();
      listen(params, headers, observer, stop.signal).catch(error => stop.signal.aborted || observer.error(error));
      return { unsubscribe: () => stop.abort() };
    },
  };
}

// A stream that was cut is asked for again, for a minute.
const retryWait = 1000;
const retryAttempts = 60;

// listen hands every "next" event to the observer until the server says that there
// are no more. Where the stream ends before, it goes on from the last event.
async function listen(params, headers, observer, signal) {
  const stream = { params, headers, observer, signal, begun: false, last: undefined };
  for (let failures = 0; ; failures++) {
    try {
      if (await read(stream, () => (failures = 0))) break;
    } catch (error) {
      if (!stream.begun || failures >= retryAttempts) throw error;
    }
    if (signal.aborted) return;
    await new Promise(resolve => setTimeout(resolve, retryWait));
    if (signal.aborted) return;
  }
  observer.complete();
}

// read reads one stream to its end: true if there is no more.
async function read(stream, heard) {
  const { params, headers, observer, signal } = stream;
  const from = stream.last ? { ...headers, 'Last-Event-ID': stream.last } : headers;
  const response = await post(params, from, 'text/event-stream', signal);
  if (!response.headers.get('Content-Type')?.startsWith('text/event-stream')) {
    if (stream.begun && response.status >= 500) return false; // a proxy, or a server that is starting
    observer.next(await answer(response)); // refused, with the reason
    return true;
  }
  stream.begun = true;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return false;
    const events = (text + value).split('\n\n');
    text = events.pop(); // not yet whole
    for (const event of events) {
      const fields = { data: '' };
      for (const line of event.split('\n')) {
        const [, name, part] = /^(\w+): ?(.*)$/.exec(line) ?? [];
        if (name) fields[name] = name === 'data' ? fields.data + part : part;
      }
      if (fields.id) stream.last = fields.id;
      if (fields.event === 'next') observer.next(JSON.parse(fields.data));
      if (fields.event === 'complete') return true;
      heard();
    }
  }
}

const groups = [
  { kind: 'query', title: 'Read' },
  { kind: 'mutation', title: 'Change' },
  { kind: 'subscription', title: 'Follow' },
];

function Examples() {
  const { addTab, setOperationName, updateActiveTabValues } = useGraphiQLActions();
  const queryEditor = useGraphiQL(state => state.queryEditor);
  const variableEditor = useGraphiQL(state => state.variableEditor);

  function open(example) {
    // What somebody has typed stays in its own tab; an example that was only
    // looked at makes room for the next one.
    const text = queryEditor.getValue();
    if (text.trim() !== '' && !settings.examples.some(({ query }) => query === text)) {
      addTab();
    }
    queryEditor.setValue(example.query);
    variableEditor.setValue(example.variables);
    // At once, for whoever runs it before GraphiQL has read the text: the
    // history would otherwise note what was there before.
    const { query, variables } = example;
    updateActiveTabValues({ query, variables });
    setOperationName(operationsIn(query)[0].name?.value ?? null);
    if (example.variables) {
      // GraphiQL has no other way to bring the variables to the front.
      document.querySelector('.graphiql-editor-tools [data-name="variables"]')?.click();
    }
  }

  return (
    <section aria-label="Examples" className="examples">
      <div className="examples-title">Examples</div>
      <p>Choose one, then run it with the ▶ button or Ctrl-Enter.</p>
      {groups.map(({ kind, title }) => {
        const examples = settings.examples.filter(example => example.kind === kind);
        return (
          examples.length > 0 && (
            <div key={kind}>
              <h2>{title}</h2>
              <ul>
                {examples.map(example => (
                  <li key={example.name}>
                    <button type="button" data-example={example.name} disabled={!queryEditor} onClick={() => open(example)}>
                      {example.title}
                    </button>
                  </li>
                ))}
              </ul>
            </div>
          )
        );
      })}
    </section>
  );
}

const examplesPlugin = {
  title: 'Examples',
  icon: () => (
    <svg height="1em" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round">
      <path d="M9 6h12M9 12h12M9 18h12M3.5 6h.01M3.5 12h.01M3.5 18h.01" />
    </svg>
  ),
  content: Examples,
};

const plugins = [examplesPlugin, explorerPlugin(), HISTORY_PLUGIN];

// The first visit starts with the first example; later ones with what was left.
const first = settings.examples[0] ?? { query: '', variables: '' };

createRoot(document.getElementById('playground')).render(
  <GraphiQL
    fetcher={fetcher}
    storage={storage}
    plugins={plugins}
    visiblePlugin={examplesPlugin}
    defaultTabs={[{ query: first.query, variables: first.variables, headers: headersHint }]}
    defaultHeaders={headersHint}
    defaultEditorToolsVisibility="headers"
    shouldPersistHeaders={false}
    schemaDescription
    inputValueDeprecation
  >
    <GraphiQL.Logo>
      <span className="playground-name">carehome</span>
      <a className="playground-docs" href="docs/">
        API reference
      </a>
    </GraphiQL.Logo>
  </GraphiQL>,
);
