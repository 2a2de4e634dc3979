// SPDX-License-Identifier: Apache-2.0
// XEP-0199: XMPP Ping (2.0.1)
import { NS } from '../xmpp/namespaces.ts'

/** Payload of a ping; its answer is an empty result. */
export const PING = `<ping xmlns='${NS.ping}'/>`
