"""Checks a proof of `otel-audit prove` with nothing but Python: python3 check_proof.py proof.json <public key in base64>"""
import base64
import hashlib
import json
import sys

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ROOT = -121665 * pow(121666, -1, P) % P, pow(2, (P - 1) // 4, P)


def decode(data):  # a point of edwards25519, RFC 8032 section 5.1.3
    y, sign = int.from_bytes(data, "little") & (2**255 - 1), data[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * ROOT % P
    assert y < P and x * x % P == square, "no point of the curve"
    return (P - x if x & 1 != sign else x, y)


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    k = D * x1 * x2 * y1 * y2
    return (x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P


def times(n, point):
    result = (0, 1)
    while n:
        result, point, n = add(result, point) if n & 1 else result, add(point, point), n >> 1
    return result


def signed(key, text, signature):
    s = int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + text).digest(), "little") % L
    base = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    return s < L and times(s, base) == add(decode(signature[:32]), times(h, decode(key)))


def check(claim, holds):
    holds or sys.exit("NOT proved: " + claim)


sha = lambda *parts: hashlib.sha256(b"".join(parts)).digest()
proof, trusted = json.load(open(sys.argv[1], encoding="utf-8")), sys.argv[2]
check("the record has this hash", sha(proof["record"].encode()).hex() == proof["hash"])
node = sha(b"\0", bytes.fromhex(proof["hash"]))
for step in proof["path"]:
    other = bytes.fromhex(step["hash"])
    node = sha(b"\1", other, node) if step["side"] == "left" else sha(b"\1", node, other)
place = json.loads(proof["record"])["integrity"]
tips = [tip for tip in json.loads(proof["checkpoint"])["tips"] if tip["stream_id"] == "merkle:" + place["stream"]]
check("the path leads to the root in the checkpoint", bool(tips) and node.hex() == tips[0]["tip_hash"])
check("the root covers the record", 0 <= tips[0]["sequence_number"] - place["seq"] < tips[0]["entry_count"])
check("the key is the one that is trusted", proof["publicKey"] == trusted)
check("the checkpoint is signed", signed(base64.b64decode(trusted), proof["checkpoint"].encode(), base64.b64decode(proof["signature"])))
print("proved: " + proof["record"])
