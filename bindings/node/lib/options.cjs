'use strict';
// Options as objects: keys that nobody knows are refused, with the nearest one as a hint.

// How many letters differ, for texts that are short.
function distance(a, b) {
  let before = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; ++i) {
    const row = [i];
    for (let j = 1; j <= b.length; ++j) {
      const same = a[i - 1].toLowerCase() === b[j - 1].toLowerCase() ? 0 : 1;
      row[j] = Math.min(before[j] + 1, row[j - 1] + 1, before[j - 1] + same);
    }
    before = row;
  }
  return before[b.length];
}

/** The known name that is meant by one with a slip, or undefined. */
function nearest(name, known) {
  let best;
  let least = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const each of known) {
    const far = distance(name, each);
    if (far < least) [best, least] = [each, far];
  }
  return best;
}

/** Makes a function that returns an object of options as it is, or throws for what is none. */
function checker(refuse) {
  return (options, known, what) => {
    if (options === undefined || options === null) return {};
    if (typeof options !== 'object' || Array.isArray(options)) {
      throw refuse(`options of ${what} have to be an object`);
    }
    for (const key of Object.keys(options)) {
      if (known.includes(key)) continue;
      const meant = nearest(key, known);
      throw refuse(`${what} has no option '${key}'`,
        meant === undefined ? `one of ${known.join(', ')}` : `did you mean '${meant}'?`);
    }
    return options;
  };
}

module.exports = { checker, nearest };
