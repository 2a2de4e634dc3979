// SPDX-License-Identifier: Apache-2.0
// The worker's half of a store: one thread writes, taking everything that is queued into one transaction (group commit),
// another reads, so that a long search never delays a write.
import { closeSync, openSync, renameSync, rmSync } from 'node:fs'
import { backup, DatabaseSync } from 'node:sqlite'
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { isFull, StoreFault, writeFault } from './faults.ts'
import { type Migration, migrate, schemaVersion } from './migrations.ts'
import type { Answer, Ask, Operations, Setup, Told } from './operations.ts'
import { takeSeat } from './seat.ts'

/** Named points where a test's own worker module may hand in a function; a program never does. `between-commits`: see Beside. */
export type CrashPoints = { 'before-commit'?: () => void; 'between-commits'?: () => void; 'after-commit'?: () => void }

/**
 * Other files that are written together with the store's own one. SQLite commits no two files at once: theirs go first, each by itself,
 * and the store's own goes last. What stands in them of a group whose last commit failed must be told from new when it comes again.
 */
export type Beside = {
  /** A call of the group begins, has ended well, or has thrown and is undone. */
  hold(): void
  release(): void
  undo(): void
  commit(): void
  /** The group has failed; what is not committed is undone. */
  rollback(): void
}

export type Service<O extends Operations> = {
  migrations: readonly Migration[]
  operations: O
  /** Called before the file is opened, in each worker; a writer may bring an older shape of the file to a newer one here. */
  open?(setup: Setup): void
  /** Called in the writer after each group has been answered, outside of any transaction. A fault here is nobody's answer: none may be thrown. */
  tidy?(db: DatabaseSync): void
  /** Called when everything is done, after the last commit. */
  close?(): void
  beside?: Beside
  /** A new file begins at this version, and the first migration leads to the next one: older shapes are left to `open`. Default 0. */
  firstVersion?: number
  /** The component's mark in the file (PRAGMA application_id, 32 bits), so that another program's file is refused. */
  applicationId?: number
  crashPoints?: CrashPoints
}

/** So many calls share a transaction at most: bounds the wait of the first one. */
const MAX_GROUP = 1000

/** Serves the operations from this worker thread; called once, at the top of a component's worker module. */
export function serve<O extends Operations>(service: Service<O>): void {
  const seat = takeSeat()
  if (seat === null) throw new StoreFault('serve() is for worker threads: start this module with openStore()')
  const { port } = seat
  const setup = seat.data as Setup
  const tell = (told: Told): void => port.postMessage(told)
  let db: DatabaseSync
  try {
    service.open?.(setup)
    db = setup.role === 'writer' ? openToWrite(setup, service) : openToRead(setup)
  } catch (error) {
    tell({ told: 'unable', note: writeFault(error, `cannot open ${setup.path}`) })
    port.close()
    return
  }
  tell({ told: 'ready', version: schemaVersion(db) })
  if (setup.role === 'writer') serveWrites(port, db, service, tell)
  else serveReads(port, db, service, tell)
}

function openToWrite(setup: Setup, service: Service<Operations>): DatabaseSync {
  const db = new DatabaseSync(setup.path, { timeout: setup.busyMs })
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000')
    db.exec(`PRAGMA secure_delete = ${setup.secureDelete ? 'ON' : 'OFF'}; PRAGMA foreign_keys = ON`)
    checkOwner(db, service.applicationId ?? 0, setup.path)
    migrate(db, service.migrations, setup.path, service.firstVersion)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function checkOwner(db: DatabaseSync, wanted: number, path: string): void {
  const found = Number(db.prepare('PRAGMA application_id').get()?.application_id ?? 0)
  if (found === wanted) return
  const empty = schemaVersion(db) === 0 && db.prepare('SELECT 1 FROM sqlite_schema').get() === undefined
  if (!empty) throw new StoreFault(`${path} is another program's file (application_id ${found}, not ${wanted})`)
  db.exec(`PRAGMA application_id = ${wanted}`)
}

function openToRead(setup: Setup): DatabaseSync {
  return new DatabaseSync(setup.path, { readOnly: true, timeout: setup.busyMs })
}

function serveWrites(
  port: MessagePort,
  db: DatabaseSync,
  service: Service<Operations>,
  tell: (told: Told) => void,
): void {
  port.on('message', (first: Ask) => {
    const group = [first]
    while (group.length < MAX_GROUP) {
      const next = receiveMessageOnPort(port)
      if (next === undefined) break
      group.push(next.message as Ask)
    }
    const calls = group.filter((ask) => ask.ask === 'call')
    if (calls.length > 0) {
      tell({ told: 'done', answers: commitGroup(db, calls, service) })
      service.tidy?.(db)
    }
    if (group.some((ask) => ask.ask === 'close')) close(port, db, service, tell)
  })
}

type Call = Extract<Ask, { ask: 'call' }>

/** One transaction for all calls. A call that throws is undone alone; if the commit fails, none is kept. */
function commitGroup(db: DatabaseSync, calls: readonly Call[], service: Service<Operations>): readonly Answer[] {
  const answers: Answer[] = []
  try {
    db.exec('BEGIN IMMEDIATE')
    for (const call of calls) answers.push(runWrite(db, call, service))
    service.crashPoints?.['before-commit']?.()
    service.beside?.commit()
    service.crashPoints?.['between-commits']?.()
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    service.beside?.rollback()
    const note = writeFault(error, 'nothing was kept')
    return calls.map(({ id }) => ({ id, note }))
  }
  service.crashPoints?.['after-commit']?.()
  return answers
}

function runWrite(db: DatabaseSync, call: Call, service: Service<Operations>): Answer {
  const operation = service.operations.write[call.name]
  if (operation === undefined) return { id: call.id, note: writeFault(new Error('no such write'), call.name) }
  db.exec('SAVEPOINT one')
  service.beside?.hold()
  try {
    const result = operation(db, call.args as never)
    service.beside?.release()
    db.exec('RELEASE one')
    return { id: call.id, result }
  } catch (error) {
    // A full disk or a failed device ends the whole transaction; what SQLite has already rolled back cannot go on.
    if (isFull(error) || !db.isTransaction) throw error
    service.beside?.undo()
    db.exec('ROLLBACK TO one; RELEASE one')
    return { id: call.id, note: writeFault(error, call.name) }
  }
}

function serveReads(
  port: MessagePort,
  db: DatabaseSync,
  service: Service<Operations>,
  tell: (told: Told) => void,
): void {
  const open = new Map<number, { rows: Iterator<unknown>; batch: number; name: string }>()
  const answer = (id: number, doing: string, step: () => Answer | undefined): void => {
    try {
      const answered = step()
      if (answered !== undefined) tell({ told: 'done', answers: [answered] })
    } catch (error) {
      open.delete(id)
      tell({ told: 'done', answers: [{ id, note: writeFault(error, doing) }] })
    }
  }
  const give = (id: number): void => {
    const stream = open.get(id)
    if (stream === undefined) return
    answer(id, stream.name, () => {
      const rows: unknown[] = []
      let last = false
      while (rows.length < stream.batch && !last) {
        const next = stream.rows.next()
        if (next.done === true) last = true
        else rows.push(next.value)
      }
      if (last) open.delete(id)
      tell({ told: 'rows', id, rows, last })
      return undefined
    })
  }
  port.on('message', (ask: Ask) => {
    switch (ask.ask) {
      case 'call':
        answer(ask.id, ask.name, () => {
          const operation = service.operations.read[ask.name]
          if (operation === undefined) throw new Error('no such read')
          return { id: ask.id, result: operation(db, ask.args as never) }
        })
        return
      case 'open':
        answer(ask.id, ask.name, () => {
          const operation = service.operations.stream[ask.name]
          if (operation === undefined) throw new Error('no such stream')
          open.set(ask.id, {
            rows: operation(db, ask.args as never)[Symbol.iterator](),
            batch: ask.batch,
            name: ask.name,
          })
          return undefined
        })
        give(ask.id)
        return
      case 'next':
        give(ask.id)
        return
      case 'end':
        answer(ask.id, 'ending a stream', () => {
          open.get(ask.id)?.rows.return?.()
          open.delete(ask.id)
          return undefined
        })
        return
      case 'backup':
        void copyTo(db, ask.target).then(
          () => tell({ told: 'done', answers: [{ id: ask.id, result: null }] }),
          (error: unknown) => tell({ told: 'done', answers: [{ id: ask.id, note: writeFault(error, 'backup') }] }),
        )
        return
      case 'close':
        for (const stream of open.values()) stream.rows.return?.()
        close(port, db, service, tell)
    }
  })
}

/** One snapshot from beginning to end: the open read transaction keeps writers from making the copy start again. */
async function copyTo(db: DatabaseSync, target: string): Promise<void> {
  const unfinished = `${target}.unfinished`
  rmSync(unfinished, { force: true })
  // For its owner alone before anything is in it; SQLite gives its own files beside it the same mode.
  closeSync(openSync(unfinished, 'wx', 0o600))
  db.exec('BEGIN; SELECT 1 FROM sqlite_schema')
  try {
    await backup(db, unfinished, { rate: 1000 })
    renameSync(unfinished, target)
  } catch (error) {
    rmSync(unfinished, { force: true })
    throw error
  } finally {
    db.exec('COMMIT')
  }
}

function close(port: MessagePort, db: DatabaseSync, service: Service<Operations>, tell: (told: Told) => void): void {
  try {
    service.close?.()
    db.close()
    tell({ told: 'closed' })
  } catch (error) {
    tell({ told: 'closed', note: writeFault(error, 'closing') })
  }
  port.close()
}
