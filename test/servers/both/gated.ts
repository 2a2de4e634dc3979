// SPDX-License-Identifier: Apache-2.0
// A server with mod_gatehouse, a screen that answers by markers, and people: what tests that hold on Prosody and on ejabberd ask for.
import type { Server, ServerKind } from '../../../deploy/demo/server.ts'
import type { AllowScreen, AllowSettings } from '../prosody/allow-screen.ts'
import type { Person } from '../prosody/gated.ts'

export { bodies, HOST, type Person, SCREEN, soon } from '../prosody/gated.ts'

export type Option = string | number

export type Gated = AsyncDisposable & {
  server: Server
  folder: string
  /** A component's own stream: that of the screen, or of another domain. */
  screen(domain?: string, more?: Partial<AllowSettings>): Promise<AllowScreen>
  /** Resolves when questions are asked over the given screen. */
  asking(more?: Partial<AllowSettings>): Promise<AllowScreen>
  login(user: string, options?: { resource?: string; host?: string }): Promise<Person>
  /** Takes the module from a host while the server runs, and back. */
  unload(host: string): Promise<void>
  load(host: string): Promise<void>
  reload(host: string): Promise<void>
  /** What the server's own language holds after a full collection. */
  heldBytes(): Promise<number>
}

export type GatedOptions = {
  /** Of the module, without prefix, in seconds and bytes. */
  options?: Readonly<Record<string, Option>>
  /** Hosts beside the first, which ask the same screen with the options' defaults. */
  hosts?: readonly string[]
  components?: readonly string[]
  /** Beside alice, bob and carol at the first host. */
  accounts?: readonly string[]
  folder?: string
  keepFolder?: boolean
}

/** One of the servers, with its name; skip: why it is not tested here. */
export type Kind = {
  name: ServerKind
  skip: string | false
  openGated(options?: GatedOptions): Promise<Gated>
}
