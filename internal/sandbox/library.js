// What a script finds around it beside what is in the prelude. It is evaluated for a run when that run first looks at any of it: most
// never do, and it takes longer to make than their work.
((host, given) => {
  'use strict';
  const {show, hidden, view, parse, defineProperty, keysOf, getPrototypeOf, hasOwn, isArray} = given; // as they were before the script
  const TypedArray = getPrototypeOf(Uint8Array);
  const Text = String;

  // Bytes and texts.

  const fromBase64 = (text) => Uint8Array.fromBase64(text.replace(/[^A-Za-z0-9+/_-]/g, '').replace(/-/g, '+').replace(/_/g, '/'), {lastChunkHandling: 'loose'});
  const utf8Bytes = (text) => Uint8Array.fromBase64(host('utf8', text));
  const utf8Text = (bytes, fatal) => host('text', bytes.toBase64(), fatal ? 'fatal' : '');
  const latinText = (bytes) => {
    let text = '';
    for (let i = 0; i < bytes.length; i += 4096) text += Text.fromCharCode(...bytes.subarray(i, i + 4096));
    return text;
  };

  class TextEncoder {
    get encoding() { return 'utf-8'; }
    encode(text = '') { return utf8Bytes(`${text}`); }
  }
  class TextDecoder {
    #fatal; #keep;
    constructor(label = 'utf-8', {fatal = false, ignoreBOM = false} = {}) {
      if (!/^(utf-?8|unicode-1-1-utf-8)$/i.test(label)) throw new RangeError(`TextDecoder knows utf-8, not ${label}`);
      this.#fatal = fatal;
      this.#keep = ignoreBOM;
    }
    get encoding() { return 'utf-8'; }
    get fatal() { return this.#fatal; }
    get ignoreBOM() { return this.#keep; }
    decode(source) {
      const text = source === undefined ? '' : utf8Text(view(source), this.#fatal);
      return !this.#keep && text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
    }
  }
  const btoa = (text) => {
    text = `${text}`;
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      if (c > 255) throw new RangeError('btoa takes characters up to U+00FF: encode the text first, e.g. with Buffer.from(text)');
      bytes[i] = c;
    }
    return bytes.toBase64();
  };
  const atob = (text) => latinText(Uint8Array.fromBase64(`${text}`));

  const encodings = {
    utf8: [utf8Bytes, (b) => utf8Text(b)],
    hex: [(t) => Uint8Array.fromHex(/^(?:[0-9a-fA-F]{2})*/.exec(t)[0]), (b) => b.toHex()],
    base64: [fromBase64, (b) => b.toBase64()],
    base64url: [fromBase64, (b) => b.toBase64({alphabet: 'base64url', omitPadding: true})],
    latin1: [(t) => Uint8Array.from(t, (c) => c.charCodeAt(0) & 255), latinText],
    ascii: [(t) => Uint8Array.from(t, (c) => c.charCodeAt(0) & 255), (b) => latinText(b.map((c) => c & 127))],
    utf16le: [
      (t) => { const b = new Uint8Array(2 * t.length); for (let i = 0; i < t.length; i++) { const c = t.charCodeAt(i); b[2 * i] = c & 255; b[2 * i + 1] = c >> 8; } return b; },
      (b) => { let t = ''; for (let i = 0; i + 1 < b.length; i += 2) t += Text.fromCharCode(b[i] | b[i + 1] << 8); return t; },
    ],
  };
  Object.assign(encodings, {'utf-8': encodings.utf8, binary: encodings.latin1, ucs2: encodings.utf16le, 'utf-16le': encodings.utf16le, 'ucs-2': encodings.utf16le});
  const encoding = (name = 'utf8') => {
    const known = hasOwn(encodings, Text(name).toLowerCase()) && encodings[Text(name).toLowerCase()];
    if (!known) throw new TypeError(`Unknown encoding: ${show(name)}`);
    return known;
  };

  class Buffer extends Uint8Array {
    static from(source, code, length) {
      if (typeof source === 'string') return Buffer.#of(encoding(code)[0](source));
      if (source instanceof ArrayBuffer || source instanceof SharedArrayBuffer) return new Buffer(source, code, length);
      if (source?.type === 'Buffer' && isArray(source.data)) source = source.data;
      if (source === null || typeof source !== 'object') throw new TypeError('Buffer.from takes a text, a list of bytes, an ArrayBuffer or a Buffer');
      const copy = new Buffer(source.length ?? 0);
      for (let i = 0; i < copy.length; i++) copy[i] = source[i];
      return copy;
    }
    static #of(bytes) { return new Buffer(bytes.buffer, bytes.byteOffset, bytes.byteLength); }
    static alloc(size, fill, code) { const b = new Buffer(size); return fill === undefined ? b : b.fill(fill, code); }
    static allocUnsafe(size) { return new Buffer(size); }
    static isBuffer(v) { return v instanceof Buffer; }
    static isEncoding(name) { return hasOwn(encodings, Text(name).toLowerCase()); }
    static byteLength(v, code) { return typeof v === 'string' ? encoding(code)[0](v).length : v.byteLength; }
    static concat(list, length = list.reduce((n, b) => n + b.length, 0)) {
      const all = new Buffer(length);
      let at = 0;
      for (const b of list) {
        const part = at + b.length > length ? b.subarray(0, length - at) : b;
        all.set(part, at);
        at += part.length;
      }
      return all;
    }
    static compare(a, b) {
      for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
      return Math.sign(a.length - b.length);
    }
    toString(code, start = 0, end = this.length) { return encoding(code)[1](new Uint8Array(this.buffer, this.byteOffset, this.byteLength).subarray(start, end)); }
    toJSON() { return {type: 'Buffer', data: [...this]}; }
    equals(other) { return Buffer.compare(this, other) === 0; }
    compare(other) { return Buffer.compare(this, other); }
    slice(start, end) { return this.subarray(start, end); }
    write(text, at = 0) { const b = utf8Bytes(text).subarray(0, this.length - at); this.set(b, at); return b.length; }
    fill(v, code) {
      if (typeof v !== 'string') return super.fill(v);
      const b = encoding(code)[0](v);
      for (let i = 0; b.length && i < this.length; i++) this[i] = b[i % b.length];
      return this;
    }
    indexOf(v, from) { return typeof v === 'string' ? latinText(this).indexOf(latinText(utf8Bytes(v)), from) : super.indexOf(v, from); }
    includes(v, from) { return this.indexOf(v, from) >= 0; }
    copy(target, at = 0, start = 0, end = this.length) { const b = this.subarray(start, Math.min(end, start + target.length - at)); target.set(b, at); return b.length; }
    readUInt8(at = 0) { return this[at]; }
    readUInt16BE(at = 0) { return this[at] << 8 | this[at + 1]; }
    readUInt16LE(at = 0) { return this[at] | this[at + 1] << 8; }
    readUInt32BE(at = 0) { return (this.readUInt16BE(at) * 65536) + this.readUInt16BE(at + 2); }
    readUInt32LE(at = 0) { return this.readUInt16LE(at) + this.readUInt16LE(at + 2) * 65536; }
  }

  // Addresses.

  const decodeForm = (text) => {
    text = text.replace(/\+/g, ' ');
    try { return decodeURIComponent(text); } catch { return host('unescape', text); }
  };
  const encodeForm = (text) => encodeURIComponent(text.toWellFormed()).replace(/[!'()~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`).replace(/%20/g, '+');

  class URLSearchParams {
    #pairs = []; #changed = () => {};
    constructor(from = '') {
      if (typeof from === 'object' && from !== null) {
        const pairs = typeof from[Symbol.iterator] === 'function' ? from : Object.entries(from);
        for (const [k, v] of pairs) this.#pairs.push([Text(k), Text(v)]);
      } else {
        this.#read(Text(from));
      }
    }
    #read(text) {
      this.#pairs = text.replace(/^\?/, '').split('&').filter((p) => p !== '').map((p) => {
        const at = p.indexOf('=');
        return at < 0 ? [decodeForm(p), ''] : [decodeForm(p.slice(0, at)), decodeForm(p.slice(at + 1))];
      });
    }
    static bind(params, text, changed) {
      params.#read(text);
      params.#changed = changed;
    }
    get size() { return this.#pairs.length; }
    append(k, v) { this.#pairs.push([Text(k), Text(v)]); this.#changed(this.toString()); }
    delete(k, v) { this.#pairs = this.#pairs.filter((p) => p[0] !== Text(k) || v !== undefined && p[1] !== Text(v)); this.#changed(this.toString()); }
    get(k) { return this.#pairs.find((p) => p[0] === Text(k))?.[1] ?? null; }
    getAll(k) { return this.#pairs.filter((p) => p[0] === Text(k)).map((p) => p[1]); }
    has(k, v) { return this.#pairs.some((p) => p[0] === Text(k) && (v === undefined || p[1] === Text(v))); }
    set(k, v) {
      const first = this.#pairs.find((p) => p[0] === Text(k));
      if (!first) { this.append(k, v); return; }
      first[1] = Text(v);
      this.#pairs = this.#pairs.filter((p) => p === first || p[0] !== Text(k));
      this.#changed(this.toString());
    }
    sort() { this.#pairs.sort((a, b) => a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0); this.#changed(this.toString()); }
    forEach(f, self) { for (const [k, v] of this) f.call(self, v, k, this); }
    *entries() { for (const [k, v] of this.#pairs) yield [k, v]; }
    *keys() { for (const p of this.#pairs) yield p[0]; }
    *values() { for (const p of this.#pairs) yield p[1]; }
    [Symbol.iterator]() { return this.entries(); }
    toString() { return this.#pairs.map(([k, v]) => `${encodeForm(k)}=${encodeForm(v)}`).join('&'); }
    get [Symbol.toStringTag]() { return 'URLSearchParams'; }
  }
  const bindParams = URLSearchParams.bind;
  delete URLSearchParams.bind;

  class URL {
    #at; #params = new URLSearchParams();
    constructor(text, base) {
      this.#read(host('url', `${text}`, base === undefined ? '' : `${base}`, base === undefined ? '' : 'base'));
    }
    #read(json, keep) {
      if (json === '') throw new TypeError('Invalid URL');
      this.#at = parse(json);
      if (!keep) bindParams(this.#params, this.#at.search, (text) => this.#change('search', text, true));
    }
    #change(part, text, keep) { this.#read(host('urlset', this.#at.href, part, `${text}`), keep); }
    static canParse(text, base) { try { new URL(text, base); return true; } catch { return false; } }
    static parse(text, base) { try { return new URL(text, base); } catch { return null; } }
    static {
      for (const part of ['href', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'hash']) {
        defineProperty(URL.prototype, part, {
          get() { return this.#at[part]; }, set(v) { this.#change(part, v); }, configurable: true, enumerable: true,
        });
      }
    }
    get origin() { return this.#at.origin; }
    get searchParams() { return this.#params; }
    toString() { return this.#at.href; }
    toJSON() { return this.#at.href; }
  }

  // Hashes and chance.

  const bytesOf = (data, code) => typeof data === 'string' ? encoding(code)[0](data) : view(data);
  const randomBytes = (n) => Buffer.from(host('random', n), 'base64');
  const randomUUID = () => host('uuid');
  const getRandomValues = (array) => { view(array).set(randomBytes(array.byteLength)); return array; };
  class Hash {
    #name; #key; #parts = [];
    constructor(name, key) { host('hash', name, '', '', ''); this.#name = name; this.#key = key; }
    update(data, code) { this.#parts.push(Buffer.from(bytesOf(data, code))); return this; }
    digest(code) {
      const sum = Buffer.from(host('hash', this.#name, Buffer.concat(this.#parts).toString('base64'), this.#key === undefined ? '' : this.#key.toBase64(), this.#key === undefined ? '' : 'keyed'), 'base64');
      return code === undefined || code === 'buffer' ? sum : sum.toString(code);
    }
  }
  const createHash = (name) => new Hash(Text(name));
  const createHmac = (name, key) => new Hash(Text(name), bytesOf(key));
  const timingSafeEqual = (a, b) => {
    const [x, y] = [view(a), view(b)];
    if (x.length !== y.length) throw new RangeError('Input buffers must have the same byte length');
    let different = 0;
    for (let i = 0; i < x.length; i++) different |= x[i] ^ y[i];
    return different === 0;
  };
  const crypto = {randomUUID, getRandomValues};

  // Copies.

  const structuredClone = (original) => {
    const seen = new Map();
    const copy = (v) => {
      if (typeof v === 'function' || typeof v === 'symbol') throw new TypeError(`${show(v)} could not be cloned`);
      if (typeof v !== 'object' || v === null) return v;
      if (seen.has(v)) return seen.get(v);
      const keep = (c) => { seen.set(v, c); return c; };
      if (v instanceof Date) return keep(new Date(v));
      if (v instanceof RegExp) return keep(new RegExp(v.source, v.flags));
      if (v instanceof ArrayBuffer) return keep(v.slice(0));
      if (v instanceof DataView) return keep(new DataView(copy(v.buffer), v.byteOffset, v.byteLength));
      if (v instanceof Buffer) return keep(Buffer.from(v));
      if (v instanceof TypedArray) return keep(new v.constructor(v));
      if (v instanceof Map) { const c = keep(new Map()); for (const [k, x] of v) c.set(copy(k), copy(x)); return c; }
      if (v instanceof Set) { const c = keep(new Set()); for (const x of v) c.add(copy(x)); return c; }
      if (v instanceof Error) { const c = keep(new v.constructor(v.message)); if ('cause' in v) hidden(c, 'cause', copy(v.cause)); return c; }
      if (v instanceof WeakMap || v instanceof WeakSet || v instanceof WeakRef || v instanceof Promise) throw new TypeError(`${show(v)} could not be cloned`);
      const c = keep(isArray(v) ? new Array(v.length) : {});
      for (const k of keysOf(v)) c[k] = copy(v[k]);
      return c;
    };
    return copy(original);
  };

  const modules = {
    buffer: {Buffer, atob, btoa},
    crypto: {randomUUID, randomBytes, getRandomValues, createHash, createHmac, timingSafeEqual, webcrypto: crypto},
    url: {URL, URLSearchParams},
    util: {TextEncoder, TextDecoder},
  };
  return {TextEncoder, TextDecoder, Buffer, atob, btoa, URL, URLSearchParams, crypto, structuredClone, modules};
});
