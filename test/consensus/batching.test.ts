import assert from 'node:assert/strict'
import { mayBatch } from '../../src/consensus/batching.ts'

const parameters = { pipelineMax: 8, batchTransactionsMax: 100 }

describe('A leader with requests that wait', () => {
  it('makes a batch at once while little is under way', () => {
    assert.ok(mayBatch({ waiting: 1, unagreed: 0, unexecuted: 0 }, parameters))
    assert.ok(mayBatch({ waiting: 1, unagreed: 0, unexecuted: 1 }, parameters))
  })

  it('lets a batch grow while one is agreed on and another executed', () => {
    assert.ok(!mayBatch({ waiting: 99, unagreed: 1, unexecuted: 2 }, parameters))
    assert.ok(!mayBatch({ waiting: 99, unagreed: 0, unexecuted: 2 }, parameters))
  })

  it('fills the pipeline with full batches, and nothing beyond it', () => {
    assert.ok(mayBatch({ waiting: 100, unagreed: 7, unexecuted: 9 }, parameters))
    assert.ok(!mayBatch({ waiting: 100, unagreed: 8, unexecuted: 8 }, parameters))
  })
})
