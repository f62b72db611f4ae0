// Functions that get hot, are compiled, meet other types, fall back and are compiled again.
"use strict";
const part = Number(process.argv[2] || 1);
const crypto = require("crypto");
const n = (count) => Math.floor(count / part);
function regex() {
    let text = "";
    for (let i = 0; i < n(40000); i++) text += ((i * 2654435761) >>> 0).toString(36) + (i % 7 ? " " : "\n");
    const words = text.match(/\b[a-m][a-z0-9]*?(\d)\w*\1\b/g) || [];
    return [text.length, words.length, text.replace(/(\w)(\w+)/g, (_, a, b) => b + a).length, /^(?:(?:z+)+y)?/.test(text)];
}
function typed() {
    const size = n(1 << 20);
    const f = new Float64Array(size), g = new Float32Array(size), h = new Int32Array(size), b = new Uint8ClampedArray(size);
    for (let k = 0; k < 6; k++)
        for (let i = 0; i < size; i++) {
            f[i] += Math.sqrt(i + k) * 1.5;
            g[i] = f[i] / 3;
            h[i] = (h[i] ^ (i << k)) + Math.imul(i, 0x9e3779b1);
            b[i] = g[i];
        }
    return [f, g, h, b].map((a) => crypto.createHash("sha1").update(Buffer.from(a.buffer)).digest("hex"));
}
function closures() {
    const adders = [];
    for (let i = 0; i < 100; i++) adders.push((x) => (x + i) % 10007);
    let x = 1;
    for (let i = 0; i < n(4000000); i++) x = adders[i % 100](x);
    return x;
}
class Shape { constructor(s) { this.s = s; } }
class Square extends Shape { area() { return this.s * this.s; } }
class Circle extends Shape { area() { return 3 * this.s * this.s; } }
class Rod extends Shape { constructor(s) { super(s); this.extra = "e"; } area() { return this.s; } }
function shapes() {
    const area = (shape) => shape.area();
    let sum = 0;
    const kinds = [Square, Circle, Rod];
    for (let stage = 1; stage <= 3; stage++)
        for (let i = 0; i < n(600000); i++) sum += area(new kinds[i % stage](i % 11));
    return sum;
}
function changing() {
    const add = (a, b) => a + b;
    let x = 0;
    for (let i = 0; i < n(500000); i++) x = add(x, i) | 0;
    let y = 0.5;
    for (let i = 0; i < n(500000); i++) y = add(y, 0.25);
    let z = "";
    for (let i = 0; i < n(50000); i++) z = add(z, i % 10);
    let big = 1n;
    for (let i = 1; i < n(1500); i++) big = big * BigInt(i) + 1n;
    return [x, y, z.length, crypto.createHash("md5").update(big.toString(16)).digest("hex")];
}
function containers() {
    const map = new Map(), object = {};
    for (let i = 0; i < n(300000); i++) {
        const key = "k" + ((i * 7919) % 5003);
        map.set(key, (map.get(key) || 0) + i);
        object[key] = (object[key] || 0) ^ i;
    }
    const sorted = [...map].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    return [sorted[0], sorted.length, Object.values(object).reduce((a, b) => a + b, 0), JSON.stringify(object).length];
}
function* fibonacci() { for (let [a, b] = [0, 1]; ; [a, b] = [b, (a + b) % 1000007]) yield a; }
function generators() {
    let sum = 0, left = n(400000);
    for (const v of fibonacci()) { if (!left--) break; sum = (sum + v) % 1000003; }
    return sum;
}
function failures() {
    let caught = 0;
    for (let i = 0; i < n(60000); i++) {
        try { if (i % 3 === 0) throw new RangeError("r" + i); null[i % 2 ? "a" : "b"]; } catch (e) { caught += e instanceof RangeError ? 2 : 1; }
    }
    return caught;
}
async function promises() {
    let sum = 0;
    for (let i = 0; i < n(100000); i++) sum += await (i % 2 ? i : Promise.resolve(1));
    return sum;
}
for (const f of [regex, typed, closures, shapes, changing, containers, generators, failures]) console.log(f.name, JSON.stringify(f()));
promises().then((sum) => console.log("promises", sum));
