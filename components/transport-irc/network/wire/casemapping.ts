// SPDX-License-Identifier: Apache-2.0
// How names of channels and people are compared (ISUPPORT CASEMAPPING).

/** Gives the form in which two spellings of one name are equal. What a server calls by another word is compared as ascii. */
export function keyBy(mapping: string): (name: string) => string {
  switch (mapping.toLowerCase()) {
    case 'rfc1459':
      return rfc1459
    case 'rfc1459-strict':
    case 'strict-rfc1459':
      return strict
    case 'rfc7613':
    case 'rfc8265':
    case 'precis':
      return precis
    default:
      return ascii
  }
}

function ascii(name: string): string {
  return /[A-Z]/.test(name) ? name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : name
}

/** Scandinavian letters of 1988: {}|^ are the small ones of []\~. */
function rfc1459(name: string): string {
  return /[A-Z[\]\\~]/.test(name) ? name.replace(/[A-Z[\]\\~]/g, small) : name
}

function strict(name: string): string {
  return /[A-Z[\]\\]/.test(name) ? name.replace(/[A-Z[\]\\]/g, small) : name
}

function precis(name: string): string {
  return name.normalize('NFKC').toLowerCase().normalize('NFC')
}

/** All of them lie 32 apart, except ~ and ^. */
function small(letter: string): string {
  return letter === '~' ? '^' : String.fromCharCode(letter.charCodeAt(0) + 32)
}
