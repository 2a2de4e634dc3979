// SPDX-License-Identifier: Apache-2.0
// Namespaces that more than one file speaks.

export const NS = {
  client: 'jabber:client',
  component: 'jabber:component:accept',
  streams: 'http://etherx.jabber.org/streams',
  /** RFC 6120 §4.9.3: conditions of stream errors. */
  streamErrors: 'urn:ietf:params:xml:ns:xmpp-streams',
  /** RFC 6120 §8.3.3: conditions of stanza errors. */
  stanzaErrors: 'urn:ietf:params:xml:ns:xmpp-stanzas',
  forward: 'urn:xmpp:forward:0',
  discoInfo: 'http://jabber.org/protocol/disco#info',
  discoItems: 'http://jabber.org/protocol/disco#items',
  ping: 'urn:xmpp:ping',
  version: 'jabber:iq:version',
  commands: 'http://jabber.org/protocol/commands',
  dataForms: 'jabber:x:data',
  formValidation: 'http://jabber.org/protocol/xdata-validate',
  json: 'urn:xmpp:json:0',
  roster: 'jabber:iq:roster',
  screen: 'urn:gatehouse:screen:1',
} as const
