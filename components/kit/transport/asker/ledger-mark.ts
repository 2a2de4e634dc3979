// SPDX-License-Identifier: Apache-2.0

/** 'GHTA', of the file of an asker. */
export const LEDGER_MARK = 0x47485441
