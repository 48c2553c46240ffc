// Small things that keep a project pleasant to live in: short files and functions, an opening comment, no leftovers.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const fileLinesMax = 400
const fileLinesAverageMax = 150
const functionLinesMax = 70

interface SourceFile {
  readonly path: string
  readonly text: string
  readonly lines: readonly string[]
}

function filesUnder(folder: string): readonly SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => {
      const text = readFileSync(join(root, folder, file), 'utf8')
      return { path: `${folder}/${file}`, text, lines: text.split('\n') }
    })
}

/** Lines of each function or method: from a line that opens one to the line that closes it at the same indentation. */
function longFunctions({ path, lines }: SourceFile): readonly string[] {
  return lines.flatMap((line, start) => {
    const opening =
      /^(\s*)(?:export )?(?:async )?(?:function\*? |(?:static |override |async )*[\w#]+\([^)]*\)[^;=]*\{$)/.exec(line)
    if (opening === null || !line.trimEnd().endsWith('{') || /^\s*(?:if|for|while|switch|describe|it)\b/.test(line))
      return []
    const end = lines.findIndex((other, index) => index > start && other.startsWith(`${opening[1]}}`))
    return end - start > functionLinesMax ? [`${path}:${start + 1} has ${end - start} lines`] : []
  })
}

describe('The sources', () => {
  const sources = filesUnder('src')
  const all = [...sources, ...filesUnder('test')]

  it(`have at most ${fileLinesMax} lines each`, () => {
    assert.deepEqual(
      sources.filter(({ lines }) => lines.length > fileLinesMax).map(({ path }) => path),
      [],
    )
  })

  it(`have at most ${fileLinesAverageMax} lines on average`, () => {
    const lines = sources.reduce((sum, file) => sum + file.lines.length, 0)
    assert.ok(lines / sources.length <= fileLinesAverageMax, `${lines} lines in ${sources.length} files`)
  })

  it(`have functions of at most ${functionLinesMax} lines`, () => {
    assert.deepEqual(sources.flatMap(longFunctions), [])
  })

  it('open with a comment that says what the file is', () => {
    const bare = sources.filter(({ lines }) => !/^(\/\/|\/\*|#!)/.test(lines[0] ?? ''))
    assert.deepEqual(
      bare.map(({ path }) => path),
      [],
    )
  })

  it('hold no leftovers', () => {
    const leftover = new RegExp(['TO', 'DO|FIX', 'ME|X', 'XX|\\.only', '\\(|debug', 'ger'].join(''))
    const found = all.flatMap(({ path, lines }) =>
      lines.flatMap((line, index) => (leftover.test(line) ? [`${path}:${index + 1}`] : [])),
    )
    assert.deepEqual(found, [])
  })

  it('swallow no error: no catch without a word or a use', () => {
    const found = sources.filter(({ text }) => /catch\s*(\([^)]*\))?\s*\{\s*\}/.test(text))
    assert.deepEqual(
      found.map(({ path }) => path),
      [],
    )
  })

  it('finds a function that is too long', () => {
    const text = `function long() {\n${'  x()\n'.repeat(80)}}\n`
    assert.equal(longFunctions({ path: 'a.ts', text, lines: text.split('\n') }).length, 1)
  })
})
