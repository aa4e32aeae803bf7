import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClientBase, Submittable } from 'pg';
import { Insertion } from '../../exporters/postgres/statement.js';
import { lineOf } from '../../src/record-line.js';
import { exampleRecords } from '../../src/testing/records.js';

interface Sent {
  readonly text: string;
  /** As it lies in memory, and as it was. */
  readonly bind: Buffer;
  readonly copy: Buffer;
  readonly answer: (error?: Error) => void;
}

/** What `pg` would put on the wire. */
function wire(): { readonly client: ClientBase; readonly sent: Sent[] } {
  const sent: Sent[] = [];
  const query = (insert: Submittable & Record<'handleReadyForQuery' | 'handleError', (error?: Error) => void>): void => {
    let text = '';
    const connection = {
      parse: (parsed: { readonly text: string }) => {
        text = parsed.text;
      },
      stream: {
        write: (bind: Buffer) => {
          const answer = (error?: Error) => (error === undefined ? insert.handleReadyForQuery() : insert.handleError(error));
          sent.push({ text, bind, copy: Buffer.from(bind), answer });
        },
      },
      execute: () => undefined,
      sync: () => undefined,
    };
    insert.submit(connection as never);
  };
  return { client: { query } as unknown as ClientBase, sent };
}

const LINES = exampleRecords(40).map(lineOf);

test('sends what it is given, and what it made ready only for just these lines', async () => {
  const { client, sent } = wire();
  const plain = new Insertion(client);
  const offers = [LINES.slice(0, 10), LINES.slice(10, 20), [...LINES.slice(10, 19), ...LINES.slice(20, 21)], LINES.slice(21, 30)];
  for (const lines of offers) void plain.store(lines);
  const expected = sent.splice(0).map(({ text, copy }) => ({ text, copy }));

  const insertion = new Insertion(client);
  insertion.prepare(LINES.slice(0, 10));
  for (const lines of offers) {
    const stored = insertion.store(lines);
    // Of the same number and with the same first line as what is offered third.
    insertion.prepare(LINES.slice(10, 20));
    sent.at(-1)?.answer();
    await stored;
  }
  assert.deepEqual(
    sent.map(({ text, copy }) => ({ text, copy })),
    expected,
  );
});

test('leaves what is on its way as it is, however often it gets ready meanwhile', async () => {
  const { client, sent } = wire();
  const insertion = new Insertion(client);
  for (const [from, fault] of [[0], [10, new Error('cut')], [20], [30]] as const) {
    const stored = insertion.store(LINES.slice(from, from + 10)).catch((error: unknown) => error);
    insertion.prepare(LINES.slice(5, 15));
    insertion.prepare(LINES.slice(15, 35));
    sent.at(-1)?.answer(fault);
    assert.equal(await stored, fault ?? 0);
    const last = sent.at(-1);
    assert.ok(last?.bind.equals(last.copy));
  }
  // After a fault the server may not have read all yet.
  insertion.prepare(LINES);
  void insertion.store(LINES);
  assert.ok(sent[1]?.bind.equals(sent[1].copy));
});

test('makes anew what is offered again', async () => {
  const { client, sent } = wire();
  const insertion = new Insertion(client);
  const [one, other] = [LINES.slice(0, 10), LINES.slice(10, 30)];
  insertion.prepare(one);
  for (const lines of [one, other, other, one]) {
    const stored = insertion.store(lines);
    sent.at(-1)?.answer();
    await stored;
  }
  assert.deepEqual(sent[3]?.copy, sent[0]?.copy);
  assert.deepEqual(sent[2]?.copy, sent[1]?.copy);
});
