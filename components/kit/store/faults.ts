// SPDX-License-Identifier: Apache-2.0
// What can go wrong in a store, as errors that a caller can tell apart.

/** The disk (or the quota) is full: nothing of this call is kept; the same call may succeed once there is space. */
export class StoreFull extends Error {
  override name = 'StoreFull'
}

/** Anything else the database refuses: `code` is SQLite's result code where there is one. */
export class StoreFault extends Error {
  override name = 'StoreFault'
  readonly code: number | undefined
  constructor(message: string, options?: ErrorOptions & { code?: number | undefined }) {
    super(message, options)
    this.code = options?.code
  }
}

/** More calls are waiting than the store takes; nothing was done. */
export class StoreBusy extends Error {
  override name = 'StoreBusy'
}

/** The file was written by a newer program, or is not this component's file. */
export class StoreVersion extends Error {
  override name = 'StoreVersion'
}

/** An error in the form in which it crosses from the worker to the main thread. */
export type FaultNote = { fault: 'full' | 'version' | 'fault'; message: string; code: number | undefined }

const SQLITE_BUSY = 5
const SQLITE_FULL = 13
/** SQLITE_IOERR_SHMSIZE: the -shm file could not be enlarged, which is what a full disk looks like before the first write. */
const IOERR_SHMSIZE = 4874

/** SQLite's extended result code of an error thrown by node:sqlite; undefined for every other error. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode : undefined
}

/** True if the error says that the disk is full: from SQLite or from a system call. */
export function isFull(error: unknown): boolean {
  const code = sqliteCode(error)
  if (code !== undefined) return (code & 0xff) === SQLITE_FULL || code === IOERR_SHMSIZE
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
}

/** True if another connection holds the lock just now. */
export function isBusy(error: unknown): boolean {
  return ((sqliteCode(error) ?? 0) & 0xff) === SQLITE_BUSY
}

/** What is thrown in the worker, as a note for the main thread; `doing` says what was tried. */
export function writeFault(error: unknown, doing: string): FaultNote {
  const text = error instanceof Error ? error.message : String(error)
  const fault = isFull(error) ? 'full' : error instanceof StoreVersion ? 'version' : 'fault'
  return { fault, message: `${doing}: ${text}`, code: sqliteCode(error) }
}

/** The typed error for a note. */
export function readFault(note: FaultNote): StoreFull | StoreVersion | StoreFault {
  if (note.fault === 'full') return new StoreFull(note.message)
  if (note.fault === 'version') return new StoreVersion(note.message)
  return new StoreFault(note.message, { code: note.code })
}
