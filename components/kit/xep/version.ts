// SPDX-License-Identifier: Apache-2.0
// XEP-0092: Software Version (1.1)
import { escapeText } from '../xml/writer.ts'
import { NS } from '../xmpp/namespaces.ts'

export type SoftwareVersion = { name: string; version: string; os?: string }

/** Payload of a result. The operating system may be left out (XEP-0092 §5: it helps attackers too). */
export function writeVersion({ name, version, os }: SoftwareVersion): string {
  const system = os === undefined ? '' : `<os>${escapeText(os)}</os>`
  return `<query xmlns='${NS.version}'><name>${escapeText(name)}</name><version>${escapeText(version)}</version>${system}</query>`
}
