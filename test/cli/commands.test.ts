import assert from 'node:assert/strict'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { errorTable } from '../../src/base/error-table.ts'
import { createProgram } from '../../src/cli/program.ts'
import { commandSpecs } from '../../src/cli/specs.ts'
import { openWorkplace, type Workplace } from './process.ts'

describe('the command line', function () {
  this.timeout(30_000)

  let place: Workplace

  before(async () => {
    place = await openWorkplace()
  })

  after(() => place.remove())

  const failure = async (
    ...args: readonly string[]
  ): Promise<{ readonly exit: number | null; readonly said: string }> => {
    const { code, err } = await place.run(...args)
    return { exit: code, said: err }
  }

  it('every command has help with an example that names it, --json and --home', async () => {
    for (const { words, example } of commandSpecs) {
      let help = ''
      const out = { write: (text: string) => (help += text) } as unknown as NodeJS.WritableStream
      const program = createProgram({ out, err: out }, () => undefined)
      await assert.rejects(program.parseAsync([...words.split(' '), '--help'], { from: 'user' }), { exitCode: 0 })
      assert.ok(help.includes(`$ ${example}`), words)
      assert.ok(example.startsWith(`quadrille ${words}`), example)
      assert.match(help, /--json/)
      assert.match(help, /--home/)
    }
  })

  it('every command that an error or the README recommends exists', async () => {
    const advice = Object.values(errorTable).map(({ sentence, next }) => `${sentence} ${next}`)
    const pages = await Promise.all(['README.md', 'docs/operations.md'].map((page) => readFile(page, 'utf8')))
    const named = [...advice, ...pages].flatMap((text) => [...text.matchAll(/(?:`|^)quadrille ([a-z]+(?: [a-z]+)?)/gm)])
    const known = commandSpecs.flatMap(({ words }) => [words, words.split(' ')[0]])
    const strangers = named
      .map(([, words]) => words ?? '')
      .filter((words) => !known.includes(words) && !known.includes(words.split(' ')[0]))
    assert.deepEqual(strangers, [])
    assert.ok(named.length > 10)
  })

  it('every command can be loaded', async () => {
    for (const { words, load } of commandSpecs) assert.equal(typeof (await load()), 'function', words)
  })

  it('says CODE: one sentence, what to do next, and exits with the code of that kind', async () => {
    const [unknown, missing, noHome] = await Promise.all([
      failure('org', 'sing'),
      failure('org', 'init', 'Acme'),
      failure('start', '--home', 'nowhere'),
    ])
    assert.equal(unknown.exit, 2)
    assert.match(unknown.said, /^USAGE: [^\n]+\. Add --help to see an example\.\n$/)
    assert.equal(missing.exit, 2)
    assert.match(missing.said, /--out/)
    assert.equal(noHome.exit, 3)
    assert.match(noHome.said, /^NO_HOME: .*nowhere.*node init/)
  })

  it('says errors as JSON with --json', async () => {
    const { exit, said } = await failure('status', '--json', '--endpoint', 'http://127.0.0.1:1')
    const { code, next } = JSON.parse(said) as { code: string; next: string }
    assert.deepEqual([exit, code, next], [5, 'NODE_UNREACHABLE', errorTable.NODE_UNREACHABLE.next])
  })

  it('explains a code, and says when there is no such code', async () => {
    const [known, unknown] = await Promise.all([
      place.run('explain', 'parse_error'),
      place.run('explain', 'constructor'),
    ])
    assert.equal(known.code, 0)
    assert.ok(known.out.includes(errorTable.PARSE_ERROR.next))
    assert.equal(unknown.code, 2)
  })

  it('does not read a private key that others may read, and never shows one', async () => {
    const made = await place.run('org', 'init', 'Open Foods', '--out', 'open.org.key')
    assert.equal(made.code, 0)
    await chmod(place.path('open.org.key'), 0o644)
    await writeFile(place.path('x.json'), '{"genesis":1}')
    await writeFile(place.path('y.json'), '{"node":1}')
    const { exit, said } = await failure('org', 'sign', 'y.json', '--key', 'open.org.key')
    assert.equal(exit, 4)
    assert.match(said, /^MALFORMED: .*y\.json/)
    const { said: draft } = await failure('org', 'sign', 'x.json', '--key', 'open.org.key')
    assert.match(draft, /^MALFORMED: .*x\.json/)
  })

  it('names every mistake in node.yaml at once', async () => {
    const init = ['node', 'init', '--org', 'acme', '--listen', '/ip4/127.0.0.1/tcp/4701', '--home', 'home']
    assert.equal((await place.run(...init, '--unlock', 'key-file:unlock.key')).code, 0)
    await writeFile(place.path('home/node.yaml'), 'listen: [here]\nspeed: fast\nunlock: { provider: hope }\n')
    const { exit, said } = await failure('node', 'request', '--home', 'home')
    assert.equal(exit, 3)
    for (const part of ['CONFIG_INVALID', 'listen[0]', 'speed: there is no such key', 'unlock.provider']) {
      assert.ok(said.includes(part), `${part} in ${said}`)
    }
  })
})
