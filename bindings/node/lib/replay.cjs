'use strict';
// Recordings that are repeated: the same firings, packets and events, compared with what was recorded.

const { fileURLToPath } = require('node:url');
const native = require('./binding.cjs');
const { actorOf } = require('./actor.cjs');
require('./live.cjs'); // the methods of networks
const { coreOf, buildNetwork, replayNetwork } = require('./network.cjs');
const { checkOptions, refuse } = require('./options.cjs');

/** A run that is repeated. */
class Replay {
  #network;

  /** Opens a recording; options are the actors of the program by the names that the recording knows. */
  constructor(file, options) {
    const given = checkOptions(options, ['actors', 'log', 'logLevel', 'print'], 'Replay');
    const path = file instanceof URL ? fileURLToPath(file) : file;
    if (typeof path !== 'string') throw refuse('a recording is the path of a file');
    const { actors = {}, ...rest } = given;
    this.#network = replayNetwork(path, rest);
    for (const [name, actor] of Object.entries(actors)) {
      const known = actorOf(actor);
      if (known === undefined) throw refuse(`actors.${name} is no actor`);
      this.#network.register(known, name);
    }
  }

  /** Its network, for events, counters and looking into inports. */
  get network() { return this.#network; }

  /** What stands first in the recording: its seed, its graph and how the runtime was. */
  get header() { return native.recordingHeader(coreOf(this.#network)); }

  /** How far it is. */
  get state() { return native.replayState(coreOf(this.#network)); }

  /** Goes on for so many firings (0: to the end), and tells whether the recording goes on. */
  async run(firings = 0) {
    if (!Number.isSafeInteger(firings) || firings < 0) throw refuse('firings have to be a whole number from 0');
    await buildNetwork(this.#network);
    return native.replayRun(coreOf(this.#network), firings);
  }

  /** Ends it. */
  close() {
    return this.#network.close();
  }

  async [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    await this.close();
  }
}

module.exports = { Replay };
