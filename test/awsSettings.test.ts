import { assert, describe, it } from "@effect/vitest"
import { ConfigError, ConfigProvider, Duration, Effect, Either } from "effect"
import * as AwsIdentity from "../src/AwsIdentity.js"
import * as settings from "../src/internal/aws/settings.js"
import { assertContains, assertEqual } from "./support/equality.js"

const reading = <A, R>(
  effect: Effect.Effect<A, ConfigError.ConfigError, R>,
  variables: Readonly<Record<string, string>> = {}
) =>
  Effect.map(
    Effect.either(Effect.withConfigProvider(effect, ConfigProvider.fromMap(new Map(Object.entries(variables))))),
    Either.mapLeft((error) => ConfigError.isInvalidData(error) ? [error.path, error.message] : [error._op])
  )

describe("the region", () => {
  const invalid = (name: string) => Either.left([[name], "expected the name of an AWS region"])

  const cases: ReadonlyArray<
    readonly [given: string | undefined, variables: Readonly<Record<string, string>>, expected: unknown]
  > = [
    [undefined, {}, Either.right(undefined)],
    ["a", { AWS_REGION: "b", AWS_DEFAULT_REGION: "c" }, Either.right("a")],
    ["", { AWS_REGION: "b", AWS_DEFAULT_REGION: "c" }, Either.right("b")],
    [undefined, { AWS_REGION: "", AWS_DEFAULT_REGION: "c" }, Either.right("c")],
    [undefined, { AWS_REGION: "", AWS_DEFAULT_REGION: "" }, Either.right(undefined)],
    ["us-west-2", {}, Either.right("us-west-2")],
    ["US-WEST-2", {}, Either.right("US-WEST-2")],
    ["a".repeat(63), {}, Either.right("a".repeat(63))],
    ["a".repeat(64), {}, invalid("region")],
    ["-a", {}, invalid("region")],
    ["a-", {}, invalid("region")],
    ["a.b", {}, invalid("region")],
    ["a/b", {}, invalid("region")],
    ["a b", {}, invalid("region")],
    [undefined, { AWS_REGION: "a@b" }, invalid("AWS_REGION")],
    [undefined, { AWS_DEFAULT_REGION: "a#b" }, invalid("AWS_DEFAULT_REGION")]
  ]
  for (const [given, variables, expected] of cases) {
    it.effect(`is read from ${JSON.stringify([given, variables])}`, () =>
      Effect.gen(function*() {
        assertEqual<unknown>(yield* reading(settings.region(given), variables), expected)
      }))
  }

  it.effect("is that of the SDK, or the error lists every way to set it", () =>
    Effect.gen(function*() {
      const regionOf = (region: () => Promise<string>) => settings.regionOf({ config: { region } })
      assert.strictEqual(yield* regionOf(async () => "eu-west-1"), "eu-west-1")
      assertContains(yield* Effect.flip(regionOf(() => Promise.reject(new Error("secret")))), {
        _op: "MissingData",
        path: ["AWS_REGION"],
        message:
          "no AWS region: pass the option `region`, or set AWS_REGION or AWS_DEFAULT_REGION, or `region` in the profile"
      })
    }))
})

describe("the endpoint", () => {
  const planes = {
    data: ["dataEndpoint", "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", "BEDROCK_AGENTCORE_DP_ENDPOINT"],
    control: ["controlEndpoint", "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL", "BEDROCK_AGENTCORE_CP_ENDPOINT"]
  } as const

  for (const plane of ["data", "control"] as const) {
    const [option, service, python] = planes[plane]
    const all: Readonly<Record<string, string>> = {
      [service]: "http://service",
      [python]: "http://python",
      AWS_ENDPOINT_URL: "http://all"
    }
    const { [service]: _, ...withoutService } = all
    const ignoring: Readonly<Record<string, string>> = { ...all, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "TRUE" }
    const { [python]: _python, ...ignoringAll } = ignoring
    const invalid = (name: string) => Either.left([[name], "expected an http or https URL"])

    const cases: ReadonlyArray<
      readonly [given: string | undefined, variables: Readonly<Record<string, string>>, expected: unknown]
    > = [
      [undefined, {}, Either.right(undefined)],
      ["https://given", all, Either.right("https://given")],
      [undefined, all, Either.right("http://service")],
      ["", { ...all, [service]: "" }, Either.right("http://python")],
      [undefined, withoutService, Either.right("http://python")],
      [undefined, { AWS_ENDPOINT_URL: "http://all" }, Either.right("http://all")],
      [undefined, ignoring, Either.right("http://python")],
      [undefined, ignoringAll, Either.right(undefined)],
      [undefined, { ...all, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "false" }, Either.right("http://service")],
      [undefined, { ...all, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "" }, Either.right("http://service")],
      ["https://given", ignoring, Either.right("https://given")],
      ["nowhere", {}, invalid(option)],
      ["ftp://given", {}, invalid(option)],
      ["xhttp://given", {}, invalid(option)],
      ["httpsx://given", {}, invalid(option)],
      [undefined, { ...all, [service]: "nowhere" }, invalid(service)],
      [undefined, { [python]: "nowhere" }, invalid(python)],
      [undefined, { AWS_ENDPOINT_URL: "nowhere" }, invalid("AWS_ENDPOINT_URL")]
    ]
    for (const [given, variables, expected] of cases) {
      it.effect(`of the ${plane} plane is read from ${JSON.stringify([given, variables])}`, () =>
        Effect.gen(function*() {
          assertEqual<unknown>(yield* reading(settings.endpoint(plane, given), variables), expected)
        }))
    }
  }
})

describe("the time limit of a request", () => {
  it.scoped("is a duration of 0 or more, or the layer fails with the name of the option", () =>
    Effect.gen(function*() {
      for (const requestTimeout of [-1, NaN, "-5 seconds"] as const) {
        const result = yield* reading(AwsIdentity.make({ region: "us-west-2", requestTimeout }))
        assertEqual<unknown>(
          Either.flip(result),
          Either.right([
            ["requestTimeout"],
            `requestTimeout must be a duration of 0 or more, such as "5 minutes", got ${requestTimeout}`
          ])
        )
      }
      for (const requestTimeout of [Duration.infinity, "1 seconds", 10] as const) {
        yield* AwsIdentity.make({ region: "us-west-2", requestTimeout })
      }
    }))
})
