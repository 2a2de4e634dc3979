// SPDX-License-Identifier: Apache-2.0
// The rule file and the files it names are read again in whatever way they are changed: written in place, replaced, by a link
// that is swapped, in a folder that is replaced. What is gone or bad changes nothing but the state.
import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readRules } from '../../../components/policy/rules/rule-file.ts'
import { askCommand } from '../../harness/ask-command.ts'
import { ask, type Stage, startStage, verdicts } from '../stage.ts'

const rules = (lexicon: string) => `version: 1
otherwise: allow
lexicons: { board: ${lexicon} }
rules:
  - { id: board, when: { lexicon: board }, then: refuse }
`

function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}

/** Resolves when what stands in the files now is in force. */
async function taken(stage: Stage): Promise<void> {
  const { ok, hash } = readRules(readFileSync(stage.rulesFile), stage.folder)
  assert.ok(ok)
  await stage.policy.logged((line) => line.event === 'rules in force' && line.hash === hash)
}

const row = async (stage: Stage, wanted: string) =>
  (await askCommand(join(stage.folder, 'run'), 'policy rules')).find(({ what }) => what === wanted)?.value

let n = 0
async function refuses(stage: Stage, ...words: string[]): Promise<boolean[]> {
  const first = n + 1
  n += words.length
  const said = verdicts(await stage.screen(words.map((word, at) => ask(first + at, word)).join('')))
  return words.map((_, at) => said[first + at]?.startsWith('refuse board') ?? false)
}

function inFolder(folder: string): string {
  mkdirSync(join(folder, 'lists'))
  writeFileSync(join(folder, 'lists/board.txt'), 'merger\n')
  return 'lists/board.txt'
}

const ways: readonly [what: string, lay: (folder: string) => string, change: (folder: string) => void][] = [
  ['written in place', inFolder, (folder) => writeFileSync(join(folder, 'lists/board.txt'), 'takeover\n')],
  [
    'written bit by bit',
    (folder) => {
      writeFileSync(join(folder, 'board.txt'), 'merger\n')
      return 'board.txt'
    },
    (folder) => {
      writeFileSync(join(folder, 'board.txt'), '')
      for (const bit of ['take', 'over', '\n']) appendFileSync(join(folder, 'board.txt'), bit)
    },
  ],
  [
    'replaced, as editors do that write beside it',
    inFolder,
    (folder) => replace(join(folder, 'lists/board.txt'), 'takeover\n'),
  ],
  [
    'moved away and written anew, as editors do that keep a copy',
    inFolder,
    (folder) => {
      renameSync(join(folder, 'lists/board.txt'), join(folder, 'lists/board.txt~'))
      writeFileSync(join(folder, 'lists/board.txt'), 'takeover\n')
    },
  ],
  [
    'behind a link that is swapped, as Kubernetes does with config maps',
    (folder) => {
      mkdirSync(join(folder, 'map/..1'), { recursive: true })
      writeFileSync(join(folder, 'map/..1/board.txt'), 'merger\n')
      symlinkSync('..1', join(folder, 'map/..data'))
      symlinkSync('..data/board.txt', join(folder, 'map/board.txt'))
      return 'map/board.txt'
    },
    (folder) => {
      mkdirSync(join(folder, 'map/..2'))
      writeFileSync(join(folder, 'map/..2/board.txt'), 'takeover\n')
      symlinkSync('..2', join(folder, 'map/..data_tmp'))
      renameSync(join(folder, 'map/..data_tmp'), join(folder, 'map/..data'))
      rmSync(join(folder, 'map/..1'), { recursive: true })
    },
  ],
  [
    'written where a link leads to',
    (folder) => {
      mkdirSync(join(folder, 'elsewhere'))
      mkdirSync(join(folder, 'lists'))
      writeFileSync(join(folder, 'elsewhere/terms'), 'merger\n')
      symlinkSync('../elsewhere/terms', join(folder, 'lists/board.txt'))
      return 'lists/board.txt'
    },
    (folder) => writeFileSync(join(folder, 'elsewhere/terms'), 'takeover\n'),
  ],
  [
    'in a folder that is replaced by another',
    inFolder,
    (folder) => {
      mkdirSync(join(folder, 'lists.new'))
      writeFileSync(join(folder, 'lists.new/board.txt'), 'takeover\n')
      renameSync(join(folder, 'lists'), join(folder, 'lists.old'))
      renameSync(join(folder, 'lists.new'), join(folder, 'lists'))
    },
  ],
]
for (const [what, lay, change] of ways) {
  test(`a named file is read again when it is ${what}`, async () => {
    await using stage = await startStage()
    const lexicon = lay(stage.folder)
    replace(stage.rulesFile, rules(lexicon))
    await taken(stage)
    assert.deepEqual(await refuses(stage, 'merger', 'takeover'), [true, false])
    change(stage.folder)
    await taken(stage)
    assert.deepEqual(await refuses(stage, 'merger', 'takeover'), [false, true])
    // Once more: the place where it stands now is watched as the first was.
    writeFileSync(join(stage.folder, lexicon), 'hostile bid\n')
    await taken(stage)
    assert.deepEqual(await refuses(stage, 'takeover', 'hostile bid'), [false, true])
  })
}

test('a named file that is removed keeps the old rules, says so with its place, and counts again when it is back', async () => {
  await using stage = await startStage()
  const lexicon = inFolder(stage.folder)
  replace(stage.rulesFile, rules(lexicon))
  await taken(stage)
  rmSync(join(stage.folder, lexicon))
  const told = await stage.policy.logged(({ event }) => event === 'rules refused')
  assert.deepEqual([told.level, told.line], ['error', 3])
  assert.match(String(told.wanted), /lexicons\.board: .*lists\/board\.txt cannot be read \(ENOENT\)/)
  assert.deepEqual(await refuses(stage, 'merger'), [true])
  writeFileSync(join(stage.folder, lexicon), 'takeover\n')
  await taken(stage)
  assert.deepEqual(await refuses(stage, 'merger', 'takeover'), [false, true])
  assert.equal(await row(stage, 'last_error'), null)
})

test('a rule file that names a file which is not there yet is taken as soon as it is', async () => {
  await using stage = await startStage()
  mkdirSync(join(stage.folder, 'lists'))
  const before = await row(stage, 'sha256')
  replace(stage.rulesFile, rules('lists/board.txt'))
  await stage.policy.logged(({ event }) => event === 'rules refused')
  assert.equal(await row(stage, 'sha256'), before)
  writeFileSync(join(stage.folder, 'lists/board.txt'), 'merger\n')
  await taken(stage)
  assert.deepEqual(await refuses(stage, 'merger'), [true])
})

test('what else is written beside the rules, without end, does not keep a change from being read', async () => {
  await using stage = await startStage({ rules: rules('[merger]') })
  let writing = true
  const noise = (async () => {
    for (let at = 0; writing; at += 1) {
      writeFileSync(join(stage.folder, 'beside.txt'), String(at))
      await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  replace(stage.rulesFile, rules('[takeover]'))
  await taken(stage).finally(() => {
    writing = false
  })
  await noise
  assert.deepEqual(await refuses(stage, 'merger', 'takeover'), [false, true])
})
