// SPDX-License-Identifier: Apache-2.0
// Rights of real other users, through the real command line. Needs root, to be somebody else.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { rightsOfJid } from '../../../components/kit/process/people.ts'
import { GATEHOUSE, openPlace, runCli, runCliAs, runToEnd, startProbe } from './probe.ts'

// Debian's user `nobody` with its only group `nogroup`, and a uid that nobody has.
const NOBODY = 65534
const UNNAMED = 54321
const skip = process.getuid?.() === 0 ? false : 'needs root, to ask as another user'

describe('rights', { skip }, () => {
  it('are apart: root operates and sees no contents, a group of officers sees contents and operates nothing', async () => {
    using place = openPlace('', 'people: { officers: [{ group: nogroup }] }\n')
    await using probe = await startProbe(place)
    assert.equal((await runCli(place, 'probe', 'count', '1')).exit, 0)
    const refused = await runCli(place, 'probe', 'secret')
    assert.deepEqual(
      [refused.exit, refused.out, refused.err],
      [4, '', 'root may not run probe secret. The right needed: officer.\n'],
    )
    const seen = await runCliAs(NOBODY, place, 'probe', 'secret')
    assert.deepEqual([seen.exit, seen.out], [0, 'contents\n'])
    const other = await runCliAs(NOBODY, place, 'probe', 'count', '1')
    assert.deepEqual([other.exit, other.err], [4, 'nobody may not run probe count. The right needed: operator.\n'])
    await probe.log.next('command', 4)
    const asked = probe.log.lines.filter((line) => line.event === 'command')
    assert.deepEqual(
      asked.map((line) => [line.command, line.exit, line.uid, line.user]),
      [
        ['probe count', 0, 0, 'root'],
        ['probe secret', 4, 0, 'root'],
        ['probe secret', 0, NOBODY, 'nobody'],
        ['probe count', 4, NOBODY, 'nobody'],
      ],
    )
  })

  it('whoever may not read a secret is told that he cannot check, and of no mistake; a mistake beside it is told all the same', async () => {
    using place = openPlace('secret_file: probe.secret\n')
    const hidden = `probe: cannot be checked by you: ${place.config}/probe.secret is not for your eyes. Ask as root.\n`
    const asked = await runCliAs(NOBODY, place, 'check')
    const own = asked.out.split('\n').filter((line) => line.startsWith('probe: ') || line.includes('probe.yaml'))
    assert.deepEqual([asked.exit, `${own[0]}\n`, own.length], [4, hidden, 1])
    assert.equal((await runCli(place, 'check')).exit, 0)
    writeFileSync(place.file, 'secret_file: probe.secret\nkeep_for: soon\n')
    const both = await runCliAs(NOBODY, place, 'check')
    assert.equal(both.exit, 2)
    assert.match(both.out, /^probe: one thing is wrong:\n.*:2: keep_for: .*\nprobe: cannot be checked by you: /m)
  })

  it('a uid without a name may what anyone may', async () => {
    using place = openPlace('', "people: { operators: [{ user: '54321' }, { user: '#54321' }] }\n")
    await using _probe = await startProbe(place)
    const who = await runCliAs(UNNAMED, place, 'probe', 'whoami', '--json')
    assert.deepEqual(JSON.parse(who.out), {
      version: 1,
      uid: UNNAMED,
      user: '#54321',
      rights: ['anyone'],
      language: '',
    })
    assert.equal((await runCliAs(UNNAMED, place, 'probe', 'count', '1')).exit, 4)
  })

  it('another user cannot list, take away or replace the proof of somebody', async () => {
    using place = openPlace()
    await using _probe = await startProbe(place)
    const file = join(place.proofs, 'a'.repeat(32))
    const as = (uid: number, script: string) =>
      runToEnd('setpriv', [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', 'sh', '-c', script])
    assert.equal((await as(UNNAMED, `echo word > ${file}`)).exit, 0)
    assert.notEqual((await as(NOBODY, `ls ${place.proofs}`)).exit, 0)
    for (const script of [`rm -f ${file}`, `mv ${file} ${file}b`, `: > ${file}`, `ln -sf /etc/passwd ${file}`]) {
      assert.notEqual((await as(NOBODY, script)).exit, 0, script)
    }
    assert.equal(readFileSync(file, 'utf8'), 'word\n')
  })

  it('the command line proves nothing in a run folder of somebody else, or one that others may write', async () => {
    using place = openPlace()
    await using probe = await startProbe(place)
    const spoil: [() => void, () => void][] = [
      [() => chownSync(place.run, NOBODY, NOBODY), () => chownSync(place.run, 0, 0)],
      [() => chmodSync(place.run, 0o777), () => chmodSync(place.run, 0o755)],
      [() => chmodSync(place.run, 0o775), () => chmodSync(place.run, 0o755)],
    ]
    for (const [make, undo] of spoil) {
      make()
      const { exit, err } = await runCli(place, 'probe', 'count', '1')
      assert.equal(exit, 2)
      assert.match(err, /belongs neither to root nor to you/)
      undo()
    }
    chmodSync(place.run, 0o1777)
    assert.equal((await runCli(place, 'probe', 'count', '1')).exit, 0)
    await probe.log.next('command')
    assert.equal(probe.log.count('command'), 1)
  })

  it('a process cannot have a proof made in the folder of another: a link is not followed', async () => {
    using place = openPlace()
    await using probe = await startProbe(place)
    renameSync(place.proofs, `${place.proofs}s`)
    symlinkSync(`${place.proofs}s`, place.proofs)
    const { exit } = await runCli(place, 'probe', 'count', '1')
    assert.equal(exit, 1)
    assert.deepEqual(readdirSync(`${place.proofs}s`), [])
    assert.equal(probe.log.count('command'), 0)
  })

  it('the command line leaves no proof behind, whatever its umask', async () => {
    using place = openPlace('', 'people: { operators: [{ user: nobody }] }\n')
    await using _probe = await startProbe(place)
    const script = `umask 077; exec ${process.execPath} ${GATEHOUSE} --config ${place.config} probe count 2 --json`
    const { exit, out } = await runToEnd('setpriv', [
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      'sh',
      '-c',
      script,
    ])
    assert.equal(exit, 0)
    assert.equal(out.trimEnd().split('\n').length, 2)
    assert.deepEqual(readdirSync(place.proofs), [])
  })
})

describe('rights of an XMPP address', () => {
  it('are those of the entry with exactly this address', () => {
    const people = {
      operators: [{ kind: 'user' as const, name: 'a@b' }],
      officers: [{ kind: 'jid' as const, name: 'a@b' }],
      auditors: [],
    }
    assert.deepEqual([...rightsOfJid('a@b', people).keys()].sort(), ['anyone', 'officer'])
    assert.deepEqual([...rightsOfJid('a@b.c', people).keys()], ['anyone'])
  })

  it('hold for the hosts of all its entries, and for every host if one names none', () => {
    const who = { kind: 'jid' as const, name: 'a@b' }
    const people = {
      operators: [{ ...who, hosts: ['x.example'] }, who],
      officers: [
        { ...who, hosts: ['x.example'] },
        { ...who, hosts: ['y.example', 'x.example'] },
        { kind: 'jid' as const, name: 'other@b' },
      ],
      auditors: [{ kind: 'jid' as const, name: 'other@b', hosts: ['z.example'] }],
    }
    assert.deepEqual(
      rightsOfJid('a@b', people),
      new Map([
        ['anyone', null],
        ['operator', null],
        ['officer', new Set(['x.example', 'y.example'])],
      ]),
    )
  })
})

describe('a caller that leaves', () => {
  it('aborts its command when it is killed', async () => {
    using place = openPlace()
    await using probe = await startProbe(place)
    const caller = spawn(process.execPath, [GATEHOUSE, '--config', place.config, 'probe', 'wait'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [said] = await once(caller.stdout, 'data')
    assert.equal(String(said), 'waiting\n')
    assert.equal(existsSync(join(place.config, 'mark')), false)
    caller.kill('SIGKILL')
    await probe.log.next('left waiting')
    assert.equal(readFileSync(join(place.config, 'mark'), 'utf8'), 'aborted')
  })

  it('is told with exit code 3 when the process stops under it', async () => {
    using place = openPlace()
    await using probe = await startProbe(place)
    const caller = spawn(process.execPath, [GATEHOUSE, '--config', place.config, 'probe', 'wait'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'de_DE.UTF-8' },
    })
    await once(caller.stdout, 'data')
    const told = once(caller.stderr, 'data')
    probe.kill('SIGTERM')
    assert.equal(String((await told)[0]), 'Der Prozess hält gerade an.\n')
    assert.deepEqual(await once(caller, 'exit'), [3, null])
    assert.equal((await probe.ended()).exit, 0)
  })
})
