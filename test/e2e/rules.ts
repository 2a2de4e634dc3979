// SPDX-License-Identifier: Apache-2.0
// The rules of the end-to-end tests: one word is refused, one is masked.
export const RULES = `otherwise: allow
rules:
  - id: no-secrets
    when: { words: [topsecret] }
    then: { refuse: { text: { en: 'This word must not leave the house.', de: 'Dieses Wort darf das Haus nicht verlassen.' } } }
  - id: mask-project
    when: { words: [nightingale] }
    then: { replace: { mask: '*' } }`

export const REFUSED_TEXT = 'This word must not leave the house.'
