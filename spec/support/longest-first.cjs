const { default: Sequencer } = require('@jest/test-sequencer');
const longest = require('./longest.json');

/**
 * Starts the spec files of more than 8 s first, longest first; one that waits most of its time alternates with one that computes, so
 * that the processors are busy from the start. In a new clone, Jest knows no durations, and goes by size: a long file of few lines
 * would start last, and run alone. `unit/memory` takes a heap snapshot of a worker, whose heap grows with each file.
 */
module.exports = class LongestFirst extends Sequencer {
  sort(tests) {
    // oxlint-disable-next-line unicorn/no-array-sort -- not an array's
    return super.sort(tests).toSorted((one, other) => rankOf(one) - rankOf(other));
  }
};

function rankOf({ path }) {
  const rank = longest.findIndex((name) => path.endsWith(`/spec/${name}.spec.ts`));
  return rank === -1 ? longest.length : rank;
}
