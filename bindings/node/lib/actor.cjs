'use strict';
// actor(): a kind of node, made of a function, a class or something to iterate. Checked here, once; what
// runs is in dispatch.cjs.

const { CAPACITY } = require('./frames.cjs');
const { Status, nearest, problem } = require('./errors.cjs');

const AWAIT = { any: 0, all: 1, required: 2 };
const PORT_REQUIRED = 1;
const PORT_ARRAY = 2;
const FLAGS = { source: 1, blocking: 2, ordered: 4, external: 8, stateless: 16 };
const PRIORITIES = { normal: 0, high: 32, low: 64 };
const BATCH = CAPACITY; // packets that cross at once, if the actor does not say otherwise
const OPTIONS = ['name', 'inports', 'outports', 'await', 'batch', 'maxBatch', 'maxConcurrency', 'ordered',
  'timeout', 'source', 'typed', 'title', 'description', 'category', 'configSchema', 'external',
  'priority', 'async', 'stateless', 'stateVersion'];

const PORT_KEYS = ['name', 'type', 'description', 'capacity', 'required', 'array'];
const TEXTS = ['name', 'title', 'description', 'category'];
const SWITCHES = ['ordered', 'source', 'typed', 'external', 'async', 'stateless'];
const BATCHES = [false, true, 'numbers'];

const AsyncFunction = (async () => {}).constructor;
const GeneratorFunction = (function* () {}).constructor;
const AsyncGeneratorFunction = (async function* () {}).constructor;

function wrong(message, hint) {
  return problem(Status.INVALID_ARGUMENT, message, hint);
}

function portOf(port, what) {
  const given = typeof port === 'string' ? { name: port } : port;
  if (given === null || typeof given !== 'object' || typeof given.name !== 'string' || !given.name) {
    throw wrong(`a port in ${what} is neither a name nor an object with a name`);
  }
  const { name, type = 'any', description = '', capacity = 0 } = given;
  for (const key of Object.keys(given)) {
    if (!PORT_KEYS.includes(key)) throw wrong(`port '${name}' has no setting '${key}'`, nearest(key, PORT_KEYS));
  }
  if (typeof type !== 'string' || typeof description !== 'string') {
    throw wrong(`type and description of port '${name}' are strings`);
  }
  if (!Number.isInteger(capacity) || capacity < 0 || capacity >= 2 ** 32) {
    throw wrong(`capacity of port '${name}' is ${String(capacity)}`, 'it is a whole number of packets from 0');
  }
  const flags = (given.required ? PORT_REQUIRED : 0) | (given.array ? PORT_ARRAY : 0);
  return { name, type, description, capacity, flags };
}

function portsOf(options, key) {
  const given = options[key] ?? [];
  if (!Array.isArray(given)) {
    throw wrong(`${key} is no array`, `write ${key}: ['${given}']`);
  }
  const ports = given.map((port) => portOf(port, key));
  if (ports.length > 1000) throw wrong(`${key} has more than 1000 ports`);
  const names = new Set();
  for (const { name } of ports) {
    if (names.has(name)) throw wrong(`${key} has '${name}' twice`);
    names.add(name);
  }
  return ports;
}

function isClass(value) {
  return typeof value === 'function' && typeof value.prototype?.run === 'function';
}

// One that can be called with new only: a function would be called.
function isAnyClass(value) {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}

function withoutRun(value) {
  return wrong(`class ${value.name || 'without a name'} has no method run(ctx, value)`,
    typeof value.run === 'function' ? 'its run is static: each node is an instance' : 'it is called for each firing');
}

// What the second argument is: 'class', 'iterable' or 'function', and whether it is asynchronous.
function formOf(body) {
  if (isClass(body)) return ['class', body.prototype.run];
  if (typeof body === 'function') {
    if (isAnyClass(body)) throw withoutRun(body);
    return ['function', body];
  }
  if (body !== null && typeof body === 'object') {
    if (typeof body[Symbol.asyncIterator] === 'function') return ['iterable', null];
    if (typeof body[Symbol.iterator] === 'function') return ['iterable', null];
  }
  throw wrong('an actor is a function, a class with run(), or something to iterate',
    "actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => ({ out: value }))");
}

function isAsync(body, run, options) {
  if (options.async !== undefined) return Boolean(options.async);
  if ((options.maxConcurrency ?? 0) > 1) return true;
  if (run === null) return typeof body[Symbol.asyncIterator] === 'function';
  return run instanceof AsyncFunction || run instanceof AsyncGeneratorFunction;
}

function checkArity(run, inports, awaits, batch) {
  if (run === null || run instanceof GeneratorFunction || run instanceof AsyncGeneratorFunction) return;
  const most = 1 + (awaits === AWAIT.any || batch ? Math.min(inports.length, 1) : inports.length);
  if (run.length > most) {
    throw wrong(`the function of the actor has ${run.length} parameters, but gets ${most}: the context` +
      (inports.length ? ` and ${inports.map((port) => `'${port.name}'`).join(', ')}` : ''),
    inports.length > 1 && awaits === AWAIT.any ? "await: 'all' gives a value of each inport" : '');
  }
}

function integer(options, key, fallback, least, most) {
  const value = options[key];
  if (value === undefined) return fallback;
  if (!Number.isInteger(value) || value < least || value > most) {
    throw wrong(`${key} is ${String(value)}; it has to be a whole number from ${least} to ${most}`);
  }
  return value;
}

// The value of a name.
function choice(names, name, key) {
  if (Object.hasOwn(names, name)) return names[name];
  throw wrong(`${key} is ${shown(name)}`, `it is one of ${Object.keys(names).map((each) => `'${each}'`).join(', ')}`);
}

function shown(value) {
  return typeof value === 'string' ? `'${value}'` : String(value);
}

function checkTypes(options) {
  for (const key of TEXTS) {
    const text = options[key];
    if (text === undefined || (typeof text === 'string' && (text !== '' || key !== 'name'))) continue;
    throw wrong(`${key} is ${shown(text)}`, `it is a string${key === 'name' ? ' with something in it' : ''}`);
  }
  for (const key of SWITCHES) {
    if (options[key] === undefined || typeof options[key] === 'boolean') continue;
    throw wrong(`${key} is ${shown(options[key])}`, 'it is true or false');
  }
  if (!BATCHES.includes(options.batch ?? false)) throw wrong(`batch is ${shown(options.batch)}`, "it is true, false or 'numbers'");
  choice(PRIORITIES, options.priority ?? 'normal', 'priority');
}

// Whether a snapshot can have what a node keeps: ctx.state of a function; of a class what save() gives.
function savesState(form, body, options) {
  if (options.stateless) return false;
  if (form !== 'class') return true;
  const [save, load] = ['save', 'load'].map((name) => typeof body.prototype[name] === 'function');
  if (save !== load) {
    const [has, lacks] = save ? ['save', 'load'] : ['load', 'save'];
    throw wrong(`the class of the actor has ${has}() and no ${lacks}()`, 'a snapshot needs both');
  }
  return save;
}

/** A kind of node, made by actor(). */
class Actor {
  constructor(options, body) {
    if (options === null || typeof options !== 'object') {
      throw wrong('the first argument of actor() is an object with inports and outports');
    }
    for (const key of Object.keys(options)) {
      if (!OPTIONS.includes(key)) throw wrong(`actor() has no option '${key}'`, nearest(key, OPTIONS));
    }
    checkTypes(options);
    const [form, run] = formOf(body);
    const inports = portsOf(options, 'inports');
    const outports = portsOf(options, 'outports');
    const awaits = choice(AWAIT, options.await ?? (inports.length > 1 ? 'all' : 'any'), 'await');
    if (options.batch && awaits !== AWAIT.any && inports.length > 1) {
      throw wrong('a batch is of one inport', "with several use await: 'any', and look at ctx.ports");
    }
    if (form === 'iterable' && inports.length) throw wrong('what is iterated has no inports');
    checkArity(run, inports, awaits, options.batch);
    this.form = form;
    this.body = body;
    this.isAsync = isAsync(body, run, options);
    this.batch = options.batch ?? false;
    this.saves = savesState(form, body, options);
    this.name = options.name ?? ((typeof body === 'function' && body.name) || 'Actor');
    this.inports = inports;
    this.outports = outports;
    this.awaits = awaits;
    this.options = { ...options };
    this.spec = this.#describe(options);
    Object.freeze(this);
  }

  // What the addon registers.
  #describe(options) {
    const size = this.awaits === AWAIT.any ? 1 : Math.max(1, this.inports.length);
    const most = Math.floor(CAPACITY / size);
    const ordered = this.isAsync && (options.ordered ?? true);
    const flags = (options.source ? FLAGS.source : 0) | (this.isAsync ? 0 : FLAGS.blocking) |
      (ordered ? FLAGS.ordered : 0) | (options.external ? FLAGS.external : 0) |
      (options.stateless ? FLAGS.stateless : 0) | PRIORITIES[options.priority ?? 'normal'];
    const schema = options.configSchema;
    return {
      inports: this.inports,
      outports: this.outports,
      await: this.awaits,
      maxBatch: integer(options, 'maxBatch', Math.min(BATCH, most), 1, most),
      maxConcurrency: this.isAsync ? integer(options, 'maxConcurrency', 1, 1, 1_000_000) : 0,
      timeoutMs: integer(options, 'timeout', 0, 1, 2 ** 31 - 1),
      flags,
      async: this.isAsync,
      typed: Boolean(options.typed),
      save: this.saves,
      stateVersion: integer(options, 'stateVersion', 0, 0, 2 ** 32 - 1),
      title: options.title ?? '',
      description: options.description ?? '',
      category: options.category ?? 'host',
      configSchema: schema === undefined ? '' : JSON.stringify(schema),
      finish: this.form === 'class' && typeof this.body.prototype.finish === 'function',
    };
  }
}

/**
 * Makes a kind of node of a function `(ctx, value) => ({ port: value })`, a class with
 * `run(ctx, value)`, or something to iterate.
 */
function actor(options, body) {
  return new Actor(options, body);
}

const ofClasses = new WeakMap(); // a class is one kind of node, however often it is given

// What add() is given, as an Actor; undefined for the id of a component.
function actorOf(given) {
  if (given instanceof Actor) return given;
  if (!isClass(given)) {
    if (isAnyClass(given)) throw withoutRun(given);
    return undefined;
  }
  const known = ofClasses.get(given);
  if (known !== undefined) return known;
  const options = {};
  for (const key of OPTIONS) if (key !== 'name' && given[key] !== undefined) options[key] = given[key];
  const made = new Actor(options, given);
  ofClasses.set(given, made);
  return made;
}

module.exports = { AWAIT, Actor, PORT_ARRAY, actor, actorOf };
