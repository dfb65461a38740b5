// Lists who lives in the home with their last wellness check, then follows the checks
// that are recorded:
//
//	npm start -- [URL of the graph]
//
// With an API key in CAREHOME_KEY, where the server asks for one.

import { Client, fetchExchange, type OperationResult } from '@urql/core';
import { graphql } from './gql/gql.js';
import type { FollowSubscription } from './gql/graphql.js';

const url = process.argv[2] ?? 'http://127.0.0.1:5000/graphql';
const key = process.env.CAREHOME_KEY;

const client = new Client({
  url,
  exchanges: [fetchExchange],
  // Subscriptions come as server-sent events, by the same requests as the rest.
  fetchSubscriptions: true,
  preferGetMethod: false,
  fetchOptions: { headers: key ? { Authorization: `Bearer ${key}` } : {} },
});

const Residents = graphql(`
  query Residents($after: Cursor) {
    lastEventID
    residents(first: 100, after: $after, where: { status: ACTIVE }, orderBy: [{ field: FAMILY_NAME }]) {
      edges {
        node {
          fullName
          wellness(first: 1, orderBy: [{ field: TAKEN_AT, direction: DESC }]) {
            edges {
              node {
                takenAt
                mood
                pulse
              }
            }
          }
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`);

const Follow = graphql(`
  subscription Follow($after: EventID) {
    wellnessRecorded(after: $after) {
      eventID
      change
      wellness {
        takenAt
        mood
        pulse
        resident {
          fullName
        }
      }
    }
  }
`);

// list prints all pages, and returns the event that the first one was read at: what
// is followed from there on begins where the list ends.
async function list(): Promise<string | undefined> {
  let since: string | undefined;
  let after: string | undefined;
  do {
    const { residents, lastEventID } = data(await client.query(Residents, { after }).toPromise());
    since ??= lastEventID ?? undefined;
    for (const { node } of residents.edges) {
      const last = node.wellness.edges[0]?.node;
      console.log(last ? `${node.fullName}: mood ${last.mood ?? 'unknown'} at ${last.takenAt}` : `${node.fullName}: no check yet`);
    }
    after = residents.pageInfo.hasNextPage ? (residents.pageInfo.endCursor ?? undefined) : undefined;
  } while (after);
  return since;
}

// follow prints events until the connection ends, and returns the last: whoever goes
// on from there has missed nothing.
function follow(after: string | undefined): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let last = after;
    const { unsubscribe } = client.subscription(Follow, { after }).subscribe((result: OperationResult<FollowSubscription>) => {
      if (result.error?.graphQLErrors.length) {
        reject(result.error);
        unsubscribe();
        return;
      }
      const event = result.data?.wellnessRecorded;
      // At the end of the connection urql gives the last result once more.
      if (event && event.eventID !== last) {
        last = event.eventID;
        console.log(`${event.change}: ${event.wellness.resident.fullName}, mood ${event.wellness.mood ?? 'unknown'}`);
      }
      if (!event || !result.hasNext) {
        resolve(last);
        unsubscribe();
      }
    });
  });
}

function data<Data>(result: OperationResult<Data>): Data {
  if (result.error) throw result.error;
  if (!result.data) throw new Error('the answer has no data');
  return result.data;
}

let after = await list();
console.log('following …');
for (;;) {
  after = await follow(after);
  await new Promise(resolve => setTimeout(resolve, 1000)); // the server was stopped
}
