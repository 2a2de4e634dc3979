// SPDX-License-Identifier: Apache-2.0
// Where a worker's module stands. The source names `.ts`; the compiled package runs `.js`, and tsc does not rewrite URLs.

/** The URL of a worker module with the extension that this very file has. */
export function workerUrl(url: URL): URL {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  return new URL(url.href.replace(/\.[tj]s$/, extension))
}
