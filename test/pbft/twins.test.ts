// Twins scenarios, spread evenly over all there are; `TWINS=10000 npx mocha test/pbft/twins.test.ts` plays that many.

import assert from 'node:assert/strict'
import { playScenario, scenario, scenarioCount } from './twins.ts'

const count = Number(process.env['TWINS'] ?? 20)

describe('PBFT and twins', () => {
  it(`P2 survives ${count} of ${scenarioCount} scenarios of three rounds: leaders, two-way splits, one validator twice`, () => {
    // A stride without a common factor with the count of scenarios visits all parts of the space.
    const stride = Math.floor(scenarioCount / count) | 1
    for (let i = 0; i < count; i++) {
      const index = (i * stride) % scenarioCount
      assert.equal(playScenario(scenario(index)), undefined, `scenario ${index}: ${JSON.stringify(scenario(index))}`)
    }
  }).timeout(0)
})
