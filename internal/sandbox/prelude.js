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

  // Bytes, and what is made when it is looked at.

  const view = (source) => {
    if (source instanceof ArrayBuffer || source instanceof SharedArrayBuffer) return new Uint8Array(source);
    if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
    throw new TypeError('give an ArrayBuffer, a typed array or a Buffer');
  };
  let loaded;
  const library = () => {
    if (!loaded) host('library'); // which calls the function given back below
    return loaded;
  };
  const load = (make) => { loaded = make(host, {show, hidden, view, parse, defineProperty, keysOf, getPrototypeOf, hasOwn, isArray}); };
  for (const name of ['TextEncoder', 'TextDecoder', 'Buffer', 'atob', 'btoa', 'URL', 'URLSearchParams', 'crypto', 'structuredClone']) {
    defineProperty(globalThis, name, {
      configurable: true, enumerable: false,
      get() { const made = library()[name]; define(name, made); return made; },
      set(v) { define(name, v); },
    });
  }
  define('global', globalThis);

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

  const moduleNames = ['buffer', 'crypto', 'url', 'util'];
  const require = (name) => {
    const known = Text(name).replace(/^node:/, '');
    if (moduleNames.includes(known)) return library().modules[known];
    throw new Error(`there is no module ${stringify(show(name))} here: there are ${moduleNames.join(', ')}; other systems are called by a step of their own`);
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
      const bytes = library().Buffer.from(v.$bytes, 'base64');
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
        for (const [object, toJSON] of loaded ? [[loaded.Buffer.prototype, helpers[0][1]], ...helpers] : helpers) {
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
    let message;
    if (typeof e === 'string') message = e;
    else if (typeof e !== 'object' || e === null) message = `it threw ${show(e)}`;
    else message = part('message') || (part('stack') ? '' : part('name') || `it threw ${described(e)}`);
    const made = (() => { try { return show(e.constructor.name); } catch { return ''; } })();
    return stringify({
      name: part('name').slice(0, 200), message: message.slice(0, 4000), stack: part('stack').slice(0, 4000), made: made.slice(0, 200), causes: causesOf(e),
      in: failing.name, item: failing.item, nothing: e === null,
    });
  };
  // causesOf shows the errors that are behind another one, as far as there is room.
  const causesOf = (e) => {
    const shown = [];
    const short = (v) => (v !== null && typeof v === 'object' && !(v instanceof Error) ? described(v) : show(v)).slice(0, 500);
    try {
      if (isArray(e.errors)) for (let i = 0; i < e.errors.length && i < 3; i++) shown.push(short(e.errors[i]));
      for (let c = e.cause; c !== undefined && c !== null && shown.length < 6; c = c.cause) shown.push(short(c));
    } catch {} // a script may have made it so that nobody can look
    return shown;
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
  return (what, ...args) => what === 'tick' ? tick() : what === 'library' ? load(...args) : void run(...args);
})();
