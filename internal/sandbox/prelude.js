// What a script finds around it that the engine itself does not have. It is evaluated anew for every run, before the script, and gives
// back the one function by which the process drives the run. What it needs later it keeps for itself, since a script may change all
// that is global.
(() => {
  'use strict';
  const host = globalThis.host; // host(what, ...arguments) is the process; no script sees it
  delete globalThis.host;
  const {parse, stringify, rawJSON} = JSON;
  const {defineProperty, keys: keysOf, getPrototypeOf, hasOwn} = Object;
  const {isArray} = Array;
  const PlainObject = Object.prototype;
  const TypedArray = getPrototypeOf(Uint8Array);
  const Text = String;
  const now = Date.now;

  const define = (name, value) => defineProperty(globalThis, name, {value, writable: true, configurable: true, enumerable: false});
  const hidden = (object, name, value) => defineProperty(object, name, {value, writable: true, configurable: true, enumerable: false});
  const show = (v) => {
    try {
      return typeof v === 'symbol' ? v.toString() : `${v}`;
    } catch {
      return 'something that cannot be shown';
    }
  };

  // Bytes and texts.

  const fromBase64 = (text) => Uint8Array.fromBase64(text.replace(/[^A-Za-z0-9+/_-]/g, '').replace(/-/g, '+').replace(/_/g, '/'), {lastChunkHandling: 'loose'});
  const utf8Bytes = (text) => Uint8Array.fromBase64(host('utf8', text));
  const utf8Text = (bytes, fatal) => host('text', bytes.toBase64(), fatal ? 'fatal' : '');
  const latinText = (bytes) => {
    let text = '';
    for (let i = 0; i < bytes.length; i += 4096) text += Text.fromCharCode(...bytes.subarray(i, i + 4096));
    return text;
  };
  const view = (source) => {
    if (source instanceof ArrayBuffer || source instanceof SharedArrayBuffer) return new Uint8Array(source);
    if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
    throw new TypeError('give an ArrayBuffer, a typed array or a Buffer');
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
  define('TextEncoder', TextEncoder);
  define('TextDecoder', TextDecoder);
  define('btoa', (text) => {
    text = `${text}`;
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      if (c > 255) throw new RangeError('btoa takes characters up to U+00FF: encode the text first, e.g. with Buffer.from(text)');
      bytes[i] = c;
    }
    return bytes.toBase64();
  });
  define('atob', (text) => latinText(Uint8Array.fromBase64(`${text}`)));

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
  define('Buffer', Buffer);
  define('global', globalThis);

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
  define('URL', URL);
  define('URLSearchParams', URLSearchParams);

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
  define('crypto', {randomUUID, getRandomValues});

  // Copies.

  define('structuredClone', (original) => {
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
  });

  // Time.

  const timers = new Map();
  let lastTimer = 0;
  const addTimer = (repeat) => (f, delay = 0, ...args) => {
    if (typeof f !== 'function') throw new TypeError('a timer takes a function');
    if (timers.size >= 1000) throw new RangeError('there are 1000 timers already');
    delay = Math.max(0, Number(delay) || 0);
    timers.set(++lastTimer, {at: now() + delay, every: repeat ? Math.max(1, delay) : 0, f, args});
    return lastTimer;
  };
  const dropTimer = (id) => { timers.delete(id); };
  define('setTimeout', addTimer(false));
  define('setInterval', addTimer(true));
  define('setImmediate', (f, ...args) => globalThis.setTimeout(f, 0, ...args));
  define('clearTimeout', dropTimer);
  define('clearInterval', dropTimer);
  define('clearImmediate', dropTimer);
  define('queueMicrotask', (f) => { Promise.resolve().then(f); });

  // tick runs the timer that is due, if one is, and returns how many milliseconds there are to the next; -1: there is none.
  const tick = () => {
    let next;
    for (const [id, t] of timers) if (!next || t.at < next.t.at) next = {id, t};
    if (!next) return -1;
    const wait = next.t.at - now();
    if (wait > 0) return wait;
    if (next.t.every) next.t.at = now() + next.t.every;
    else timers.delete(next.id);
    next.t.f(...next.t.args);
    return 0;
  };

  // What people read. Intl is heavy, and few scripts want it: it comes when one looks at it.

  const intlOf = {Date: ['toLocaleString', 'toLocaleDateString', 'toLocaleTimeString'], Number: ['toLocaleString'], BigInt: ['toLocaleString']};
  const localized = Object.entries(intlOf).flatMap(([type, names]) => names.map((name) => [globalThis[type].prototype, name]));
  let hasIntl = false;
  const addIntl = () => {
    if (hasIntl) return;
    hasIntl = true;
    for (const [object, name] of [...localized, [globalThis, 'Intl']]) delete object[name];
    host('intl');
  };
  for (const [object, name] of [...localized, [globalThis, 'Intl']]) {
    defineProperty(object, name, {
      configurable: true, enumerable: false,
      get() { addIntl(); return object[name]; },
      set(v) { defineProperty(this, name, {value: v, writable: true, configurable: true, enumerable: false}); },
    });
  }

  // Modules.

  const modules = {
    buffer: {Buffer, atob: globalThis.atob, btoa: globalThis.btoa},
    crypto: {randomUUID, randomBytes, getRandomValues, createHash, createHmac, timingSafeEqual, webcrypto: globalThis.crypto},
    url: {URL, URLSearchParams},
    util: {TextEncoder, TextDecoder},
  };
  const require = (name) => {
    const known = Text(name).replace(/^node:/, '');
    if (hasOwn(modules, known)) return modules[known];
    throw new Error(`there is no module ${stringify(show(name))} here: there are ${keysOf(modules).join(', ')}; other systems are called by a step of their own`);
  };
  define('fetch', () => { throw new Error('code has no network: call the other system in a step of its own, before or after this one'); });

  // Logs.

  const line = (args) => args.map((v) => {
    if (typeof v === 'string') return v;
    if (v instanceof Error) return show(v) + (typeof v.stack === 'string' ? `\n${v.stack.trimEnd()}` : '');
    if (typeof v !== 'object' || v === null) return typeof v === 'bigint' ? `${v}n` : show(v);
    try { return stringify(v, plain()) ?? show(v); } catch { return show(v); }
  }).join(' ').slice(0, 8192);
  let lines = 0;
  const log = (level) => (...args) => { if (++lines <= 1000) host('log', level, line(args)); };
  const levels = {trace: log('debug'), debug: log('debug'), info: log('info'), log: log('info'), warn: log('warn'), error: log('error'), metric: log('debug')};
  define('console', {
    ...levels, dir: levels.info, table: levels.info,
    group() {}, groupEnd() {}, time() {}, timeEnd() {}, timeLog() {}, count() {}, assert(ok, ...args) { if (!ok) levels.error('Assertion failed', ...args); },
  });

  // Values: in the storage form, where bytes are {"$bytes": base64, "contentType": …} and keys that look like that have a dollar more.

  const marker = /^\$+bytes$/;
  const revive = (v) => {
    if (isArray(v)) {
      for (let i = 0; i < v.length; i++) v[i] = revive(v[i]);
      return v;
    }
    if (typeof v !== 'object' || v === null) return v;
    if (hasOwn(v, '$bytes')) {
      const bytes = Buffer.from(v.$bytes, 'base64');
      if (v.contentType) hidden(bytes, 'contentType', v.contentType);
      return bytes;
    }
    const keys = keysOf(v);
    if (keys.some((k) => marker.test(k))) {
      const renamed = {};
      for (const k of keys) put(renamed, marker.test(k) ? k.slice(1) : k, revive(v[k]));
      return renamed;
    }
    for (const k of keys) if (typeof v[k] === 'object') put(v, k, revive(v[k]));
    return v;
  };
  const put = (object, key, v) => defineProperty(object, key, {value: v, writable: true, configurable: true, enumerable: true});
  const decode = (text) => text.includes('bytes":') ? revive(parse(text)) : parse(text);

  // plain makes of each value what JSON has: bytes are marked, whole numbers of any size keep their digits, maps and sets are what they hold.
  const plain = () => {
    const mark = (bytes, type) => ({$bytes: bytes.toBase64(), contentType: typeof type === 'string' ? type : ''});
    return function (key, v) {
      const original = key === '' ? v : this[key];
      if (typeof original === 'bigint') return rawJSON(`${original}`);
      if (typeof original !== 'object' || original === null) return v;
      if (original instanceof ArrayBuffer || original instanceof SharedArrayBuffer) return mark(new Uint8Array(original));
      if (ArrayBuffer.isView(original)) return mark(view(original), original.contentType);
      if (v === original && v instanceof Map) v = Object.fromEntries(v);
      else if (v === original && v instanceof Set) v = [...v];
      else if (v === original && v instanceof Error) v = {name: v.name, message: v.message, ...v};
      if (typeof v !== 'object' || v === null || isArray(v)) return v;
      for (const k in v) {
        if (k.charCodeAt(0) === 36 && marker.test(k)) return escaped(v);
      }
      return v;
    };
  };
  const escaped = (v) => {
    const renamed = {};
    for (const k of keysOf(v)) put(renamed, marker.test(k) ? `$${k}` : k, v[k]);
    return renamed;
  };

  // encode does what plain does, many times faster: while it runs, what JSON does not know has a toJSON. Only where that cannot be done, or a
  // key looks like a mark, plain looks at every value.
  let marks = 0;
  const markBytes = (bytes, type) => { marks++; return {$bytes: bytes.toBase64(), contentType: typeof type === 'string' ? type : ''}; };
  const helpers = [
    [TypedArray.prototype, function () { return markBytes(view(this), this.contentType); }],
    [Buffer.prototype, function () { return markBytes(view(this), this.contentType); }],
    [DataView.prototype, function () { return markBytes(view(this)); }],
    [ArrayBuffer.prototype, function () { return markBytes(new Uint8Array(this)); }],
    [SharedArrayBuffer.prototype, function () { return markBytes(new Uint8Array(this)); }],
    [Map.prototype, function () { return Object.fromEntries(this); }],
    [Set.prototype, function () { return [...this]; }],
    [Error.prototype, function () { return {name: this.name, message: this.message, ...this}; }],
    [BigInt.prototype, function () { return rawJSON(`${this}`); }],
  ];
  const {getOwnPropertyDescriptor} = Object;
  const encode = (v) => {
    const before = [];
    let text;
    try {
      try {
        for (const [object, toJSON] of helpers) {
          const had = getOwnPropertyDescriptor(object, 'toJSON');
          hidden(object, 'toJSON', toJSON);
          before.push([object, had]);
        }
      } catch {
        return stringify(v, plain()); // the script has frozen them
      }
      marks = 0;
      text = stringify(v);
    } finally {
      for (const [object, had] of before) {
        if (had) defineProperty(object, 'toJSON', had);
        else delete object.toJSON;
      }
    }
    return text !== undefined && text.includes('$bytes":') && text.split('$bytes":').length - 1 !== marks ? stringify(v, plain()) : text;
  };

  // A run.

  const lookup = (object, name, make) => defineProperty(object, name, {
    configurable: true, enumerable: true,
    get() { const v = make(); put(object, name, v); return v; },
    set(v) { put(object, name, v); },
  });
  const fetch = (name) => decode(host('ask', name));
  const folded = (headers) => new Proxy(headers, {
    get(o, k) { return typeof k !== 'string' || k in o ? o[k] : o[keysOf(o).find((name) => name.toLowerCase() === k.toLowerCase())]; },
    has(o, k) { return k in o || typeof k === 'string' && keysOf(o).some((name) => name.toLowerCase() === k.toLowerCase()); },
  });
  const stepResults = (request) => {
    const results = {};
    for (const key of request.steps ?? []) {
      lookup(results, key, () => {
        const v = fetch(`step/${key}`);
        if (key === request.trigger && v?.results?.headers) v.results.headers = folded(v.results.headers);
        return v;
      });
    }
    if (request.trigger && !hasOwn(results, 'trigger')) defineProperty(results, 'trigger', {get() { return results[request.trigger]; }, configurable: true, enumerable: false});
    return results;
  };

  // keeper looks after what flows keep: what the script has looked at, and how it was then.
  const keeper = (context, names) => {
    const kept = [];
    for (const name of names ?? []) {
      const state = {name, loaded: false};
      const load = () => {
        if (state.loaded) return;
        state.loaded = true;
        state.now = fetch(`state/${name}`) ?? {};
        state.before = new Map(keysOf(state.now).map((k) => [k, encode(state.now[k])]));
        kept.push(state);
      };
      defineProperty(context, name, {configurable: true, enumerable: true, get() { load(); return state.now; }, set(v) { load(); state.now = v; }});
      state.load = load;
    }
    const changes = (returned) => {
      const given = returned !== null && typeof returned === 'object' ? returned : {};
      const all = [];
      for (const name of names ?? []) {
        const more = hasOwn(given, name) ? given[name] : undefined;
        if (more !== null && typeof more === 'object') Object.assign(context[name], more);
      }
      for (const state of kept) {
        if (state.now === null || typeof state.now !== 'object') throw new TypeError(`context.${state.name} is ${state.now === null ? 'null' : `a ${typeof state.now}`}: give an object`);
        for (const k of keysOf(state.now)) {
          const text = encode(state.now[k]);
          if (text !== undefined && text !== state.before.get(k)) all.push({state: state.name, key: k, value: state.now[k]});
          if (text !== undefined) state.before.delete(k);
          else if (!state.before.has(k)) continue;
        }
        for (const k of state.before.keys()) if (!hasOwn(state.now, k) || encode(state.now[k]) === undefined) all.push({state: state.name, key: k, removed: true});
      }
      return all;
    };
    return changes;
  };

  const contextOf = (request, values) => {
    const context = {logger: {...levels}};
    for (const [name, v] of Object.entries(values.context ?? {})) put(context, name, v);
    context.configVars = values.configVars ?? {};
    const enabled = values.context?.globalDebug === true;
    context.debug = {enabled, timeElapsed: {mark() {}, measure() {}}, memoryUsage() {}, results: {timeElapsed: {marks: {}, measurements: {}}, memoryUsage: [], allowedMemory: 0}};
    return context;
  };

  const kindOf = (v) => v === null ? 'null' : isArray(v) ? 'a list' : typeof v === 'object' ? 'an object' : `a ${typeof v}`;
  const known = ['data', 'contentType', 'statusCode', 'headers', 'instanceState', 'crossFlowState', 'executionState', 'integrationState', 'branch', 'failed', 'error'];

  const forms = {
    async step(request, values, functions) {
      const context = contextOf(request, values);
      const changes = keeper(context, request.states);
      const module = {exports: {}};
      const untouched = module.exports;
      const results = stepResults(request);
      const returned = await functions.code(context, results, values.data, context.configVars, context.logger)(module, untouched, require);
      let exported = module.exports;
      if (typeof exported !== 'function' && typeof exported?.default === 'function') exported = exported.default;
      if (typeof exported !== 'function') {
        if (exported !== untouched || keysOf(untouched).length > 0) throw new TypeError(`module.exports is ${kindOf(exported)}: set it to a function of context and stepResults`);
        return {data: returned, states: changes()};
      }
      const given = await exported(context, results);
      if (given === undefined || given === null) return {states: changes()};
      if (typeof given !== 'object' || isArray(given)) throw new TypeError(`the code returned ${kindOf(given)}: return an object with the result as data, e.g. {data: …}`);
      if (!known.some((name) => name in given)) levels.warn(`the code returned an object without data (it has ${keysOf(given).slice(0, 10).join(', ') || 'no keys'}): the step has no result; return {data: …}`);
      const data = given.data;
      if (data instanceof Uint8Array && given.contentType) hidden(data, 'contentType', Text(given.contentType));
      return {data, branch: given.branch, failed: given.failed === true, error: given.error === undefined ? undefined : given.error?.message ?? given.error, states: changes(given)};
    },
    async filter(request, values, functions) {
      const kept = [];
      for (const [i, item] of values.items.entries()) if (await at(functions, 'filter', i, item, i, values.items)) kept.push(item);
      return {data: kept};
    },
    async map(request, values, functions) {
      const made = [];
      for (const [i, item] of values.items.entries()) {
        if (functions.filter && !await at(functions, 'filter', i, item, i, values.context)) continue;
        made.push(await at(functions, 'transform', i, item, i, values.context));
      }
      return {data: made};
    },
    async sort(request, values, functions) {
      failing.name = 'compare';
      const sorted = values.items.sort((a, b) => {
        const order = functions.compare(a, b);
        if (typeof order !== 'number' && typeof order !== 'boolean') throw new TypeError(`it gave ${kindOf(order)} for two items: return a negative number, 0 or a positive one`);
        return order;
      });
      failing.name = '';
      return {data: sorted};
    },
  };
  // failing is the function that is at work, and the item it is at work on, for the message if it throws.
  const failing = {name: '', item: -1};
  const at = async (functions, name, item, ...args) => {
    failing.name = name;
    failing.item = item;
    const given = await functions[name](...args);
    failing.name = '';
    return given;
  };

  const describe = (e) => {
    const part = (name) => {
      try { return e === null || typeof e !== 'object' || e[name] === undefined ? '' : show(e[name]); } catch { return ''; }
    };
    const message = typeof e === 'object' && e !== null ? part('message') || part('name') || described(e) : show(e);
    return stringify({name: part('name').slice(0, 200), message: message.slice(0, 4000), stack: part('stack').slice(0, 4000), in: failing.name, item: failing.item, nothing: e === null});
  };
  const described = (e) => {
    try { return stringify(e, plain()).slice(0, 4000); } catch { return 'something that cannot be shown'; }
  };

  // run starts a script and returns at once; how it ends it tells the process, by done or failed.
  const run = async (text, ...given) => {
    try {
      const request = parse(text);
      const values = {};
      for (const {name, text} of request.values ?? []) values[name] = decode(text);
      const functions = {};
      for (let i = 0; i < given.length; i++) {
        const name = request.names[i];
        if (typeof given[i] !== 'function') {
          failing.name = name;
          throw new TypeError(`it is ${kindOf(given[i])}: give a function`);
        }
        functions[name] = given[i];
      }
      const result = await forms[request.form](request, values, functions);
      host('done', encode({__proto__: null, ...result})); // no toJSON that the script gave to all objects
    } catch (e) {
      host('failed', describe(e));
    }
  };
  return (what, ...args) => what === 'tick' ? tick() : void run(...args);
})();
