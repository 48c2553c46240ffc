import assert from 'node:assert/strict'
import fc from 'fast-check'
import { concat } from '../../src/base/bytes.ts'
import { limits } from '../../src/base/limits.ts'
import { encodeFrame, FrameReader } from '../../src/p2p/frame.ts'

const options = { seed: 20_261_122, numRuns: 200 }
const message = fc.uint8Array({ maxLength: 300 })

function reading(messageBytesMax?: number): { readonly reader: FrameReader; readonly messages: Uint8Array[] } {
  const messages: Uint8Array[] = []
  return { messages, reader: new FrameReader((each) => messages.push(each), messageBytesMax) }
}

describe('Frames', () => {
  it('give back their messages in order, however the bytes are cut', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 50 })
    fc.assert(
      fc.property(fc.array(fc.array(message, { maxLength: 8 }), { maxLength: 6 }), cuts, (frames, sizes) => {
        const bytes = concat(...frames.map(encodeFrame))
        const { reader, messages } = reading()
        for (let offset = 0, turn = 0; offset < bytes.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1
          assert.equal(reader.push(bytes.slice(offset, offset + size)), undefined)
          offset += size
        }
        assert.deepEqual(messages, frames.flat())
        assert.equal(reader.awaited, 0)
        assert.equal(reader.frames, frames.length)
      }),
      options,
    )
  })

  it('never throw and never invent messages, whatever arrives', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const { reader, messages } = reading(64)
        reader.push(bytes)
        assert.ok(messages.reduce((sum, each) => sum + each.length, 0) <= bytes.length)
      }),
      options,
    )
  })

  it('N3 that claim 1 GiB are refused from their first four bytes', () => {
    const { reader, messages } = reading()
    assert.equal(reader.push(Uint8Array.of(0x40, 0, 0, 0)), 'FRAME_TOO_LARGE')
    assert.equal(messages.length, 0)
  })

  it('take one message of the largest size and no larger', () => {
    const largest = new Uint8Array(limits.frameBytesMax).fill(7)
    const { reader, messages } = reading()
    assert.equal(reader.push(encodeFrame([largest])), undefined)
    assert.deepEqual(messages, [largest])
    assert.equal(reader.push(encodeFrame([new Uint8Array(limits.frameBytesMax + 1)])), 'FRAME_TOO_LARGE')
  })

  it('of another version, empty, or with a message that overruns them are faults', () => {
    assert.equal(reading().reader.push(Uint8Array.of(0, 0, 0, 1, 2)), 'UNKNOWN_MESSAGE')
    assert.equal(reading().reader.push(Uint8Array.of(0, 0, 0, 0)), 'MALFORMED')
    assert.equal(reading().reader.push(Uint8Array.of(0, 0, 0, 5, 1, 0, 0, 0, 9)), 'MALFORMED')
    assert.equal(reading().reader.push(Uint8Array.of(0, 0, 0, 3, 1, 0, 0)), 'MALFORMED')
  })

  it('say how much they wait for', () => {
    const { reader } = reading()
    reader.push(Uint8Array.of(0, 0))
    assert.equal(reader.awaited, 4)
    reader.push(Uint8Array.of(1, 0, 1))
    assert.equal(reader.awaited, 256)
  })
})
