import { assert, describe, it } from "@effect/vitest"
import { Chunk, DateTime, Effect, Exit, Fiber, Layer, Random, Record, Stream, TestClock } from "effect"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityError from "../src/IdentityError.js"
import * as IdentityService from "../src/IdentityService.js"
import { assertContains, assertEqual } from "./support/equality.js"
import * as Raw from "./support/raw.js"

const isList = (key: IdentityApi.OperationKey): key is keyof typeof lists => key in lists

const serviceOver = (api: IdentityApi.IdentityApi["Type"]) =>
  Effect.provide(IdentityService.make, Layer.succeed(IdentityApi.IdentityApi, api))

const name = "agent"

const [first, second, third] = ["https://app.example/1", "https://app.example/2", "https://app.example/3"]

/** A workload identity in a service that takes a second for each operation, and the operations in their order. */
const registering = (urls: ReadonlyArray<string> | undefined) =>
  Effect.gen(function*() {
    const operations: Array<string> = []
    let registered = urls
    let failure: IdentityError.ValidationError | undefined
    const time = yield* DateTime.now
    const read = () => ({
      name,
      workloadIdentityArn: "arn",
      createdTime: time,
      lastUpdatedTime: time,
      allowedResourceOauth2ReturnUrls: registered
    })
    const api = Layer.mock(IdentityApi.IdentityApi, {
      getWorkloadIdentity: (request) =>
        Effect.suspend(() => {
          operations.push(`get ${request.name}`)
          return Effect.delay(Effect.sync(read), "1 second")
        }),
      updateWorkloadIdentity: (request) =>
        Effect.suspend(() => {
          operations.push(`update ${request.name} ${request.allowedResourceOauth2ReturnUrls?.join(" ")}`)
          if (failure !== undefined) return Effect.fail(failure)
          registered = request.allowedResourceOauth2ReturnUrls
          return Effect.delay(Effect.sync(read), "1 second")
        })
    })
    const identity = yield* Effect.provide(IdentityService.make, api)
    return {
      add: (url: string) => identity.addReturnUrl({ name, url }),
      remove: (url: string) => identity.removeReturnUrl({ name, url }),
      fail: (error: IdentityError.ValidationError | undefined) => {
        failure = error
      },
      operations
    }
  })

const finished = <A, E>(self: Effect.Effect<A, E>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.fork(self)
    yield* TestClock.adjust("1 minute")
    return yield* Fiber.join(fiber)
  })

describe("a return URL", () => {
  it.effect("is added behind the others, and removed from among them", () =>
    Effect.gen(function*() {
      const { add, operations, remove } = yield* registering([first, second])
      assertContains(yield* finished(add(third)), { name, allowedResourceOauth2ReturnUrls: [first, second, third] })
      assertContains(yield* finished(remove(second)), { name, allowedResourceOauth2ReturnUrls: [first, third] })
      assertEqual(operations, [
        "get agent",
        `update agent ${first} ${second} ${third}`,
        "get agent",
        `update agent ${first} ${third}`
      ])
    }))

  it.effect("is the first of an identity without any", () =>
    Effect.gen(function*() {
      const { add } = yield* registering(undefined)
      assertContains(yield* finished(add(first)), { allowedResourceOauth2ReturnUrls: [first] })
    }))

  it.effect("that is there already, or is not there, changes nothing", () =>
    Effect.gen(function*() {
      const { add, operations, remove } = yield* registering([first, second])
      for (const unchanged of [add(second), remove(third)]) {
        assertContains(yield* finished(unchanged), { name, allowedResourceOauth2ReturnUrls: [first, second] })
      }
      assertEqual(operations, ["get agent", "get agent"])
    }))

  it.effect("is not lost when several change at the same time", () =>
    Effect.gen(function*() {
      const { add, operations, remove } = yield* registering([first])
      yield* finished(Effect.all([add(second), remove(first), add(third)], { concurrency: "unbounded" }))
      assertEqual(operations, [
        "get agent",
        `update agent ${first} ${second}`,
        "get agent",
        `update agent ${second}`,
        "get agent",
        `update agent ${second} ${third}`
      ])
    }))

  it.effect("that is refused, or whose change is interrupted, does not block the next change", () =>
    Effect.gen(function*() {
      const { add, fail, operations } = yield* registering([first])
      const member = "allowedResourceOauth2ReturnUrls"
      fail(
        new IdentityError.ValidationError({
          operation: "UpdateWorkloadIdentity",
          message: `Value at '${member}[1]' is wrong`,
          fieldList: [{ name: `${member}[1]`, message: "wrong" }]
        })
      )
      const error = yield* finished(Effect.flip(add(second)))
      assertContains(error, { message: "Value at 'url' is wrong", fieldList: [{ name: "url", message: "wrong" }] })
      const fiber = yield* Effect.fork(add(third))
      yield* TestClock.adjust("500 millis")
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
      fail(undefined)
      assertContains(yield* finished(add(second)), { allowedResourceOauth2ReturnUrls: [first, second] })
      assert.lengthOf(operations, 5)
    }))
})

describe("a workload identity that is created", () => {
  const created = (options?: Parameters<IdentityService.IdentityService["Type"]["createWorkloadIdentity"]>[0]) =>
    Effect.gen(function*() {
      const port = Raw.recorder()
      port.answer = { reply: { name, workloadIdentityArn: "arn" } }
      const identity = yield* serviceOver(port.api)
      yield* identity.createWorkloadIdentity(options)
      return port.calls
    })

  for (const [random, digits] of [[0, "00000000"], [255, "000000ff"], [2 ** 40, "ffffffff"]] as const) {
    it.effect(`without a name has eight hexadecimal digits for one, such as ${digits}`, () =>
      Effect.gen(function*() {
        const expected = { name: `workload-${digits}`, allowedResourceOauth2ReturnUrls: [] }
        for (const options of [undefined, {}]) {
          assertEqual<unknown>(yield* created(options), [{ key: "createWorkloadIdentity", request: expected }])
        }
      }).pipe(Effect.withRandom(Random.fixed([random]))))
  }

  it.effect("has its own name, return URLs and tags", () =>
    Effect.gen(function*() {
      const request = { name, allowedResourceOauth2ReturnUrls: [first], tags: { team: "a" } }
      assertEqual<unknown>(yield* created(request), [{ key: "createWorkloadIdentity", request }])
      const tagged = { tags: { team: "a" } }
      const [call] = yield* created(tagged)
      assertContains(call?.request, { ...tagged, allowedResourceOauth2ReturnUrls: [] })
    }))
})

/** The member with the items, and the method, of each list. */
const lists = {
  listWorkloadIdentities: "workloadIdentities",
  listOauth2CredentialProviders: "credentialProviders",
  listApiKeyCredentialProviders: "credentialProviders",
  listPaymentCredentialProviders: "credentialProviders",
  listConsentPortals: "consentPortals"
} as const

/** What an item of each list is on the wire. */
const item = {
  workloadIdentityArn: "arn",
  credentialProviderArn: "arn",
  credentialProviderVendor: "vendor",
  createdTime: 1,
  lastUpdatedTime: 1,
  sources: [],
  consentPortalArn: "arn",
  consentPortalId: "id",
  createdAt: 1,
  updatedAt: 1,
  status: "ACTIVE"
}

describe("a list", () => {
  for (const key of Record.keys(lists)) {
    /** The list in two pages of two items and one of one, which has this token. */
    const paging = (lastToken: string | undefined) =>
      Effect.gen(function*() {
        const port = Raw.recorder()
        const pages = [[["a", "b"], "1"], [["c", "d"], "2"], [["e"], lastToken]] as const
        const identity = yield* serviceOver(IdentityApi.make((key) => (request) =>
          Effect.suspend(() => {
            const [names, nextToken] = pages[port.calls.length] ?? [[], undefined]
            port.answer = {
              reply: {
                [lists[isList(key) ? key : "listConsentPortals"]]: names.map((name) => ({ ...item, name })),
                nextToken
              }
            }
            return port.api[key](request)
          })
        ))
        const list = (options?: { readonly pageSize?: number }) =>
          Stream.map(identity[key](options), (item: { readonly name: string }) => item.name)
        return { list, requests: () => port.calls }
      })

    for (const lastToken of [undefined, ""]) {
      it.effect(`${key} has the items of every page, up to one with ${lastToken === "" ? "an empty" : "no"} token`, () =>
        Effect.gen(function*() {
          const { list, requests } = yield* paging(lastToken)
          assertEqual(Chunk.toReadonlyArray(yield* Stream.runCollect(list({ pageSize: 2 }))), ["a", "b", "c", "d", "e"])
          assertEqual<unknown>(requests(), [
            { key, request: { maxResults: 2, nextToken: undefined } },
            { key, request: { maxResults: 2, nextToken: "1" } },
            { key, request: { maxResults: 2, nextToken: "2" } }
          ])
        }))
    }

    it.effect(`${key} fails when the reply of a page has the token that was sent`, () =>
      Effect.gen(function*() {
        const { list, requests } = yield* paging("2")
        const items: Array<string> = []
        const error = yield* Effect.flip(Stream.runForEach(list(), (name) => Effect.sync(() => items.push(name))))
        const operation = `${key.slice(0, 1).toUpperCase()}${key.slice(1)}`
        assertContains(error, { _tag: "UndecodableReply", operation, path: "nextToken" })
        assertEqual(items, ["a", "b", "c", "d"])
        assert.lengthOf(requests(), 3)
      }))

    it.effect(`${key} requests a page when its items are pulled, with the page size of the service`, () =>
      Effect.gen(function*() {
        const { list, requests } = yield* paging(undefined)
        const stream = list()
        assertEqual<unknown>(requests(), [])
        assertEqual(Chunk.toReadonlyArray(yield* Stream.runCollect(Stream.take(stream, 2))), ["a", "b"])
        assertEqual<unknown>(requests(), [{ key, request: { maxResults: undefined, nextToken: undefined } }])
      }))
  }
})
