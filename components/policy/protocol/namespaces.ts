// SPDX-License-Identifier: Apache-2.0
// The namespaces by which policy tells what a stanza is.

export const MUC = 'http://jabber.org/protocol/muc'
export const MUC_USER = `${MUC}#user`
export const MUC_OWNER = `${MUC}#owner`
export const MUC_ADMIN = `${MUC}#admin`
/** XEP-0249 */
export const DIRECT_INVITATION = 'jabber:x:conference'
export const PUBSUB = 'http://jabber.org/protocol/pubsub'
export const PUBSUB_OWNER = `${PUBSUB}#owner`
export const VCARD_TEMP = 'vcard-temp'
/** XEP-0292 */
export const VCARD4 = 'urn:xmpp:vcard4'
export const CORRECTION = 'urn:xmpp:message-correct:0'
export const REACTIONS = 'urn:xmpp:reactions:0'
export const RETRACTIONS = ['urn:xmpp:message-retract:0', 'urn:xmpp:message-retract:1']
/** XEP-0422 */
export const FASTEN = 'urn:xmpp:fasten:0'
/** XEP-0033 */
export const ADDRESSES = 'http://jabber.org/protocol/address'
export const XHTML = 'http://www.w3.org/1999/xhtml'
export const XHTML_IM = 'http://jabber.org/protocol/xhtml-im'

/** XEP-0027, 0364 (by its body), 0373, 0380, 0384, 0420, 0116/0200. */
export const ENCRYPTIONS = new Set([
  'eu.siacs.conversations.axolotl',
  'jabber:x:encrypted',
  'urn:xmpp:eme:0',
  'urn:xmpp:omemo:0',
  'urn:xmpp:omemo:1',
  'urn:xmpp:omemo:2',
  'urn:xmpp:openpgp:0',
  'urn:xmpp:otr:0',
  'urn:xmpp:sce:1',
  'http://www.xmpp.org/extensions/xep-0200.html#ns',
])

/** XEP-0027, and RFC 3923 (signed or encrypted as a whole, so nothing of it can be told). */
export const SIGNATURES = new Set(['jabber:x:signed', 'urn:ietf:params:xml:ns:xmpp-e2e'])

/** XEP-0047, 0065, 0066, 0095, 0096, 0234, 0260, 0261, 0358, 0363, 0385, 0446, 0447: beginnings of namespaces. */
export const FILES = [
  'http://jabber.org/protocol/si',
  'http://jabber.org/protocol/bytestreams',
  'http://jabber.org/protocol/ibb',
  'jabber:iq:oob',
  'jabber:x:oob',
  'urn:xmpp:http:upload',
  'urn:xmpp:jingle:apps:file-transfer:',
  'urn:xmpp:jinglepub:',
  'urn:xmpp:sims:',
  'urn:xmpp:sfs:',
  'urn:xmpp:file:metadata:',
]

export function isAboutFiles(namespace: string): boolean {
  return FILES.some((known) => namespace.startsWith(known))
}
