import { HttpRouter, HttpServer, HttpServerRequest } from "@effect/platform"
import axe from "axe-core"
import { Effect, Layer } from "effect"
import { type Browser, chromium, type Page } from "playwright-core"
import { inject } from "vitest"
import * as IdentityApi from "../../src/IdentityApi.js"
import * as IdentityServer from "../../src/IdentityServer.js"
import * as IdentityService from "../../src/IdentityService.js"
import { router } from "../../src/internal/server/router.js"
import * as faultInjection from "../../src/internal/server/state/faultInjection.js"
import * as movableClock from "../../src/internal/server/state/movableClock.js"
import * as pageTokens from "../../src/internal/server/state/pageTokens.js"
import * as MemoryIdentity from "../../src/MemoryIdentity.js"
import { Client, Port } from "./server.js"

const keys = new Map(
  Object.entries(IdentityApi.operations).map(([key, { method, path }]) => [`${method} ${path}`, key])
)

const isKey = (key: string | undefined): key is IdentityApi.OperationKey =>
  key !== undefined && key in IdentityApi.operations

/** The operations, with injected faults and the movable clock. */
const operations = Effect.gen(function*() {
  const faults = yield* faultInjection.FaultInjection
  const { clock } = yield* movableClock.MovableClock
  const { method, url } = yield* HttpServerRequest.HttpServerRequest
  const key = keys.get(`${method} ${url}`)
  return yield* Effect.withClock(
    isKey(key) ? faults.aroundOperation(key)(IdentityServer.api) : IdentityServer.api,
    clock
  )
})

/** The whole local server, and the service over the AWS SDK and HTTP. */
export const layer = IdentityService.layer.pipe(
  Layer.provideMerge(Client),
  Layer.provideMerge(
    HttpServer.serve(router.pipe(HttpRouter.all("*", operations))).pipe(
      Layer.provideMerge(Layer.mergeAll(
        MemoryIdentity.layerApi(),
        Layer.effect(faultInjection.FaultInjection, faultInjection.make),
        Layer.effect(movableClock.MovableClock, movableClock.make()),
        Layer.effect(pageTokens.PageTokens, pageTokens.make)
      )),
      Layer.provideMerge(Port)
    )
  )
)

const args = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync"
]

/** Starts the browser that the global setup provides. */
export const launch = (): Promise<Browser> => {
  const executablePath = inject("chromium")
  if (executablePath === undefined) {
    throw new Error("The global setup prepared no browser: it does so for test files with the name browser*.test.ts")
  }
  return chromium.launch({ executablePath, args })
}

/** What axe finds wrong with a page, in light and in dark. */
export const violations = async (page: Page, ...except: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  const found: Array<string> = []
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme })
    await page.evaluate(axe.source)
    const rules = Object.fromEntries(except.map((rule) => [rule, { enabled: false }]))
    const { violations } = await page.evaluate((rules) => window.axe.run(document, { rules }), rules)
    found.push(...violations.map(({ id, nodes }) => `${colorScheme} ${id}: ${nodes.map(({ html }) => html).join()}`))
  }
  await page.emulateMedia({ colorScheme: "light" })
  return found
}

declare global {
  interface Window {
    readonly axe: typeof axe
  }
}
