// SPDX-License-Identifier: Apache-2.0
// A server with mod_gatehouse: what tests that hold on Prosody and on ejabberd ask for.
import type { Server, ServerKind } from '../../../deploy/demo/server.ts'
import type { House } from './house.ts'

export type Option = string | number | readonly string[]

export type Options = Readonly<Record<string, Option>>

export type Gated = House & {
  server: Server
  /** Other options for the first host, of which `screen` is one too, read while it runs. */
  configure(options: Options): Promise<void>
  /** Takes the module from a host while the server runs, and back. */
  unload(host: string): Promise<void>
  load(host: string): Promise<void>
  reload(host: string): Promise<void>
  /** What the server's own language holds after a full collection. */
  heldBytes(): Promise<number>
}

export type GatedOptions = {
  /** Of the module, without prefix, in seconds and bytes. */
  options?: Options
  /** The first host; default HOST. */
  host?: string
  /** Hosts beside the first, which ask the same screen with the options' defaults. */
  hosts?: readonly string[]
  /** Hosts beside these, each with the screen that it asks. */
  neighbours?: Readonly<Record<string, string>>
  components?: readonly string[]
  /** Beside alice, bob and carol at the first host. */
  accounts?: readonly string[]
  /** Of the server, on which it also finds other servers by `s2s`. */
  address?: string
  s2s?: boolean
  folder?: string
  keepFolder?: boolean
}

/** One of the servers, with its name; skip: why it is not tested here. */
export type Kind = {
  name: ServerKind
  skip: string | false
  openGated(options?: GatedOptions): Promise<Gated>
}
