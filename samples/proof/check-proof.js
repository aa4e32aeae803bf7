// Checks a proof of `otel-audit prove` with nothing but Node: node check-proof.js proof.json <public key in base64>
const { createHash, createPublicKey, verify } = require('node:crypto');
const { readFileSync } = require('node:fs');

const proof = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const trusted = process.argv[3];
const sha256 = (...parts) =>
  createHash('sha256')
    .update(Buffer.concat(parts.map((part) => Buffer.from(part))))
    .digest();
const check = (claim, holds) => {
  if (holds) return;
  console.error(`NOT proved: ${claim}`);
  process.exit(1);
};

check('the record has this hash', sha256(proof.record).toString('hex') === proof.hash);

let node = sha256([0], Buffer.from(proof.hash, 'hex'));
for (const { side, hash } of proof.path) {
  const other = Buffer.from(hash, 'hex');
  node = side === 'left' ? sha256([1], other, node) : sha256([1], node, other);
}
const { stream, seq } = JSON.parse(proof.record).integrity;
const tip = JSON.parse(proof.checkpoint).tips.find((one) => one.stream_id === `merkle:${stream}`);
check('the path leads to the root in the checkpoint', node.toString('hex') === tip?.tip_hash);
check('the root covers the record', seq <= tip.sequence_number && seq > tip.sequence_number - tip.entry_count);

check('the key is the one that is trusted', proof.publicKey === trusted);
const key = createPublicKey({
  key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(trusted, 'base64').toString('base64url') },
  format: 'jwk',
});
check('the checkpoint is signed', verify(null, Buffer.from(proof.checkpoint), key, Buffer.from(proof.signature, 'base64')));

console.log(`proved: ${proof.record}`);
