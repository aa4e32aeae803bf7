import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { createFileElision } from '../../../src/capture/multipart-files.js';
import { auditThisProcess, listen, send } from '../../support/audited-server.js';

const KEY = 'a key for the tests';
const TYPE = 'multipart/form-data; boundary=X';
const hmac = (bytes: Buffer) => createHmac('sha256', KEY).update(bytes).digest('hex');

describe('bodies that are not kept whole', () => {
  const arrivals = new EventEmitter();
  const audited = auditThisProcess({ HASH_KEY: KEY, MAX_BODY_BYTES: 1000 });
  let server: Awaited<ReturnType<typeof listen>>;
  before(async () => {
    server = await listen(
      http.createServer((request, response) => {
        if (request.url === '/image') return void response.setHeader('content-type', 'image/png').end(IMAGE);
        if (request.url === '/pieces') {
          response.writeHead(200, { 'content-type': 'application/zip' });
          response.write(IMAGE.subarray(0, 10));
          return void response.end(IMAGE.subarray(10));
        }
        request.once('data', () => arrivals.emit(String(request.url)));
        request.resume().on('end', () => response.end('{}'));
      }),
    );
  });
  after(() => server.close());

  async function recordOf(path: string, headers: http.OutgoingHttpHeaders, body?: Buffer) {
    const next = audited.record(audited.records.length + 1);
    await send(server.url + path, { method: 'POST', headers }, body);
    return await next;
  }

  it('have fields, names of files and their sizes, however large the files are', async () => {
    const body = multipart([FIELD, file('a.pdf', 'application/pdf', 300_000), file('b.txt', 'text/plain', 50), PASSWORD]);
    const { request } = await recordOf('/', { 'content-type': TYPE }, body);
    assert.equal(request?.bodySize, body.length);
    assert.match(String(request?.body), /name="note"\r\n\r\nhello\r\n/);
    assert.match(String(request?.body), /filename="a.pdf"[^[]*\[FILE 300000 bytes\]\r\n--X/);
    assert.match(String(request?.body), /filename="b.txt"[^[]*\[FILE 50 bytes\]\r\n--X/);
    assert.match(String(request?.body), /name="password"\r\n\r\n\[REDACTED\]\r\n--X--\r\n$/);
    assert.equal(request?.bodyTruncated, false);
  });

  it('say that there was more where fields alone are more than may be kept', async () => {
    const { request } = await recordOf('/', { 'content-type': TYPE }, multipart([`${FIELD}${'x'.repeat(5000)}`, PASSWORD]));
    assert.equal(request?.bodyTruncated, true);
  });

  it('have no size of a file whose end never came', async () => {
    const next = audited.record(audited.records.length + 1);
    const headers = { 'content-type': TYPE, 'content-length': 1000 };
    const arrived = once(arrivals, '/given-up');
    const request = http.request(`${server.url}/given-up`, { method: 'POST', headers, agent: false }).on('error', () => {});
    request.write(multipart([file('a.pdf', 'application/pdf', 100)]).subarray(0, 120));
    await arrived;
    request.destroy();
    const record = await next;
    assert.doesNotMatch(String(record.request?.body), /bytes\]/);
    assert.equal(record.request?.bodyTruncated, true);
  });

  it('are read as before where they are compressed', async () => {
    const body = gzipSync(multipart([file('a.pdf', 'application/pdf', 100), FIELD]));
    const { request } = await recordOf('/', { 'content-type': TYPE, 'content-encoding': 'gzip' }, body);
    assert.match(String(request?.body), /filename="a.pdf"[^[]*\[FILE 100 characters\]/);
  });

  it('have the hash of all that was sent, in one piece or several', async () => {
    for (const path of ['/image', '/pieces']) {
      const { response } = await recordOf(path, {});
      assert.deepEqual([response?.bodyOmitted, response?.bodySize, response?.bodyHash], ['binary', IMAGE.length, hmac(IMAGE)], path);
    }
  });
});

describe('files taken out of a multipart body', () => {
  it('leave the same whatever the borders of the chunks', () => {
    const part = fc.oneof(
      fc.constant(FIELD),
      fc.constant(PASSWORD),
      fc.nat(200).map((size) => file('f.bin', 'image/png', size)),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 4 }), fc.array(fc.nat(300), { maxLength: 20 }), (parts, cuts) => {
        const body = multipart(parts);
        const whole = elided([body]);
        const chunks = [...new Set(cuts)].sort((a, b) => a - b);
        const pieces = [0, ...chunks].map((from, index) => body.subarray(from, [...chunks, body.length][index]));
        assert.equal(elided(pieces), whole);
        assert.equal(whole, multipart(parts.map(withSize)).toString());
      }),
    );
  });

  it('leave as it is what has no boundary in it, or headers without an end', () => {
    for (const text of ['', '\r\n', 'no parts at all', '--X', `--X\r\n${'a: b\r\n'.repeat(5000)}`, '--X\nA: b\n\nc\n--X--']) {
      assert.equal(elided([Buffer.from(text)]), text);
    }
  });

  it('are of multipart types with a boundary only', () => {
    assert.equal(createFileElision('application/json'), undefined);
    assert.equal(createFileElision('multipart/form-data'), undefined);
    assert.equal(createFileElision(undefined), undefined);
  });
});

function elided(chunks: readonly Buffer[]): string {
  const elision = createFileElision(TYPE);
  const kept = chunks.map((chunk) => Buffer.from(elision?.take(Buffer.from(chunk)) ?? chunk));
  return Buffer.concat([...kept, elision?.rest() ?? Buffer.alloc(0)]).toString();
}

function multipart(parts: readonly string[]): Buffer {
  return Buffer.from(`${parts.map((part) => `--X\r\n${part}\r\n`).join('')}--X--\r\n`);
}

function file(name: string, type: string, size: number): string {
  const disposition = `Content-Disposition: form-data; name="file"; filename="${name}"`;
  return `${disposition}\r\nContent-Type: ${type}\r\n\r\n${'\0'.repeat(size)}`;
}

const FIELD = 'Content-Disposition: form-data; name="note"\r\n\r\nhello';
const PASSWORD = 'Content-Disposition: form-data; name="password"\r\n\r\nhunter2';
const IMAGE = Buffer.alloc(100_000, 7);

function withSize(part: string): string {
  const [headers = '', content = ''] = part.split('\r\n\r\n');
  return part.includes('filename') ? `${headers}\r\n\r\n[FILE ${content.length} bytes]` : part;
}
