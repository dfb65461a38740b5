// Follows a resident's wellness checks after an event, and writes what the client's library
// makes of it as lines of JSON:
//
//	node follow.mjs ws|sse|query-ws|query-sse http://127.0.0.1:5000/graphql [resident [last event]]
//
// It goes on until the operation ends, or its standard input does. A line there is
// the URL where the server is from now on. CAREHOME_TEST_KEY is presented where it is
// set.
import { createInterface } from 'node:readline';
import { createClient as createStreams } from 'graphql-sse';
import { createClient as createSockets } from 'graphql-ws';
import WebSocket from 'ws';

const [, , how, address, resident, after] = process.argv;
const say = line => process.stdout.write(JSON.stringify(line) + '\n');

let url = address;
const asked = {
  query: `subscription($resident: ID!, $after: EventID) {
    wellnessRecorded(residentIDs: [$resident], after: $after) { eventID change wellness { id } }
  }`,
  variables: { resident, after },
};
if (how.startsWith('query')) {
  asked.query = '{ lastEventID }';
  delete asked.variables;
}

// A tenth of a second between attempts, for a minute.
const retryWait = () => new Promise(resolve => setTimeout(resolve, 100));
const retryAttempts = 600;

const key = process.env.CAREHOME_TEST_KEY;
const presented = key ? { Authorization: `Bearer ${key}` } : {};
const client =
  how.endsWith('sse')
    ? createStreams({ url: () => url, headers: presented, retry: retryWait, retryAttempts })
    : createSockets({
        url: () => url.replace('http', 'ws'),
        connectionParams: presented,
        webSocketImpl: WebSocket,
        lazy: true,
        retryWait,
        retryAttempts,
        shouldRetry: () => true,
        on: { closed: event => say({ closed: event.code }), connected: () => say({ connected: true }) },
      });

const leave = client.subscribe(asked, {
  next(result) {
    // A client that comes back sends the same again: what it has received meanwhile
    // is put into it here.
    const event = result.data?.wellnessRecorded;
    if (event) asked.variables.after = event.eventID;
    say({ next: result });
  },
  error: error => say({ error: error.code ? { code: error.code } : error.length ? error : String(error) }),
  complete: () => {
    say({ complete: true });
    lines.close();
  },
});

const lines = createInterface({ input: process.stdin });
lines.on('line', line => (url = line));
lines.on('close', () => {
  leave();
  client.dispose();
});
