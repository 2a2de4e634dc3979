// SPDX-License-Identifier: Apache-2.0
// XEP-0335: JSON Containers (0.1.1)
import { escapeText } from '../xml/writer.ts'
import { NS } from '../xmpp/namespaces.ts'

export function writeJson(value: unknown): string {
  return `<json xmlns='${NS.json}'>${escapeText(JSON.stringify(value))}</json>`
}
