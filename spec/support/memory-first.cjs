const { default: Sequencer } = require('@jest/test-sequencer');

/** Starts the file `memory` first: heap snapshots cost time in proportion to the heap, which grows with each file of a process. */
module.exports = class MemoryFirst extends Sequencer {
  sort(tests) {
    const isMemory = ({ path }) => path.includes('/memory.');
    return [...tests.filter(isMemory), ...tests.filter((test) => !isMemory(test))];
  }
};
