// SPDX-License-Identifier: Apache-2.0
// What an administrator of ejabberd sends so that the server speaks to all who are there: a command of mod_announce (XEP-0133).
import { HOST } from '../both/house.ts'

export function announcement(id: string, subject: string, words: string, command = 'announce'): string {
  const field = (name: string, text: string) => `<field var='${name}'><value>${text}</value></field>`
  const form = `<x xmlns='jabber:x:data' type='submit'>${field('subject', subject)}${field('body', words)}</x>`
  const node = `http://jabber.org/protocol/admin#${command}`
  return `<iq type='set' to='${HOST}' id='${id}'><command xmlns='http://jabber.org/protocol/commands' node='${node}' action='complete'>${form}</command></iq>`
}
