// What tests share that kill nodes at named steps.

import assert from 'node:assert/strict'
import type { Four, NodeProcess } from './four.ts'

export async function killed(node: NodeProcess): Promise<void> {
  const tooLate = new Promise<never>((_, fail) => {
    setTimeout(() => fail(new Error(`${node.name} was not killed: ${node.output.slice(-1_000)}`)), 15_000).unref()
  })
  assert.equal(await Promise.race([node.ended, tooLate]), 'SIGKILL', node.output.slice(-1_000))
}

/** Every acknowledged statement stands once on each of these nodes, and they hold the same. */
export async function assertNothingLost(four: Four, nodes: readonly NodeProcess[] = four.nodes): Promise<void> {
  const [first, ...others] = await Promise.all(nodes.map((node) => node.dump()))
  for (const other of others) assert.deepEqual(other, first)
  const said = new Map<string, number>()
  for (const quad of first ?? []) {
    const literal = /"(statement \d+)"/.exec(quad)?.[1] ?? quad
    said.set(literal, (said.get(literal) ?? 0) + 1)
  }
  const lost = four.acknowledged.filter((each) => said.get(each.said) !== 1)
  assert.deepEqual(lost, [])
}

export function assertNobodyBlamed(four: Four): void {
  for (const { output } of four.nodes) assert.doesNotMatch(output, /"msg":"(misbehaviour|fenced[^"]*)"/)
}
