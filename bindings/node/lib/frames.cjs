'use strict';
// Memory that the addon and JavaScript both see: a batch of packets crosses by it. See src/frames.h.

const CAPACITY = 4096; // Frames::kCapacity

// What stands in a place; the same numbers are in src/frames.h.
const Tag = Object.freeze({ NUMBER: 0, VALUE: 1, NULL: 2, FALSE: 3, TRUE: 4, UNDEFINED: 5 });

function makeFrames() {
  return {
    inTags: new Uint8Array(CAPACITY),
    inNumbers: new Float64Array(CAPACITY),
    inPorts: new Uint32Array(CAPACITY),
    inIndexes: new Int32Array(CAPACITY), // of array ports; -1: none
    inValues: new Array(CAPACITY).fill(undefined),
    outTags: new Uint8Array(CAPACITY),
    outNumbers: new Float64Array(CAPACITY),
    outPorts: new Uint32Array(CAPACITY),
    state: new Int32Array(16),
  };
}

// The value at a place, which is given up.
function take(frames, at) {
  switch (frames.inTags[at]) {
    case Tag.NUMBER: return frames.inNumbers[at];
    case Tag.VALUE: {
      const value = frames.inValues[at];
      frames.inValues[at] = undefined;
      return value;
    }
    case Tag.NULL: return null;
    case Tag.FALSE: return false;
    case Tag.TRUE: return true;
    default: return undefined;
  }
}

module.exports = { CAPACITY, Tag, frames: makeFrames(), io: makeFrames(), take };
