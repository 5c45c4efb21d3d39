/** Measures the layout of a page in a browser: what is cut, out of reach, or broken inside a word. */
import type { Page } from "playwright-core"

/** The problems of the page at its present size. Runs in the browser, so it uses nothing outside itself. */
const problemsInBrowser = (): ReadonlyArray<string> => {
  const problems = new Set<string>()
  const width = document.documentElement.clientWidth
  if (document.documentElement.scrollWidth > width) {
    problems.add(`the page scrolls sideways: ${document.documentElement.scrollWidth} > ${width}`)
  }
  const named = (element: Element) =>
    `<${element.localName}> ${(element.getAttribute("aria-label") ?? element.textContent ?? "").trim().slice(0, 40)}`
  const ancestors = (element: Element) => {
    const all: Array<Element> = []
    for (let at = element.parentElement; at !== null; at = at.parentElement) all.push(at)
    return all
  }
  const clips = (element: Element) => getComputedStyle(element).overflowX !== "visible"
  const scrolls = (element: Element) => ["auto", "scroll"].includes(getComputedStyle(element).overflowX)
  /** Text for screen readers only is not measured. */
  const isUnseen = (element: Element) => getComputedStyle(element).clipPath !== "none"
  const isShown = (element: Element) =>
    element.checkVisibility({ visibilityProperty: true }) && element.closest("option") === null &&
    ![element, ...ancestors(element)].some(isUnseen)

  for (const control of document.querySelectorAll<HTMLElement>("a[href], button, input, select, [tabindex]")) {
    if (!isShown(control)) continue
    control.focus({ preventScroll: true })
    control.scrollIntoView({ block: "center", inline: "center" })
    const { bottom, left, right, top } = control.getBoundingClientRect()
    // A scrollable region may be larger than the screen: its content is within reach.
    if (control.tabIndex === 0 && scrolls(control)) continue
    const limits = ancestors(control).filter(clips).map((element) => element.getBoundingClientRect())
    const start = Math.max(0, ...limits.map((limit) => limit.left))
    const end = Math.min(width, ...limits.map((limit) => limit.right))
    if (left < start - 1 || right > end + 1) problems.add(`out of reach: ${named(control)}`)
    const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2)
    const isHit = hit !== null && (control.contains(hit) || hit.contains(control) && hit.localName === "label")
    if (!isHit && control.getClientRects().length === 1) problems.add(`covered: ${named(control)}`)
  }

  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
    const parent = node.parentElement
    const text = node.textContent ?? ""
    if (parent === null || text.trim() === "" || !isShown(parent) || parent.closest(".skip, script, style") !== null) {
      continue
    }
    const range = document.createRange()
    range.selectNodeContents(node)
    const box = parent.closest("td, th, li, dd, p, button, section, main, header, footer")?.getBoundingClientRect()
    for (const rect of range.getClientRects()) {
      if (box !== undefined && (rect.left < box.left - 1 || rect.right > box.right + 1)) {
        problems.add(`over the edge: ${named(parent)}`)
      }
      for (const limit of ancestors(parent).filter((element) => clips(element) && !scrolls(element))) {
        const { left, right } = limit.getBoundingClientRect()
        if (rect.left < left - 1 || rect.right > right + 1) problems.add(`cut: ${named(parent)}`)
      }
    }
    if (parent.closest("td, th, dd, code, strong, bdi, button, label, h1, h2") === null) continue
    for (const { 0: word, index } of text.matchAll(/\S+/g)) {
      if (word.length > 24) continue
      range.setStart(node, index)
      range.setEnd(node, index + word.length)
      if (new Set(Array.from(range.getClientRects(), ({ top }) => Math.round(top))).size > 1) {
        problems.add(`broken inside a word: ${word}`)
      }
    }
  }
  window.scrollTo(0, 0)
  return [...problems]
}

/** The widths of a small laptop and of a phone. */
const sizes = [{ width: 1280, height: 900 }, { width: 390, height: 844 }] as const

const schemes = ["light", "dark"] as const

/** Where to keep screenshots, if anywhere. */
const folder = process.env["SCREENSHOTS"]

/** The problems of the page in each size and color scheme, each with its place. */
export const layoutProblems = async (page: Page, name: string): Promise<ReadonlyArray<string>> => {
  const found: Array<string> = []
  for (const size of sizes) {
    await page.setViewportSize(size)
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme })
      if (folder !== undefined) {
        await page.screenshot({ path: `${folder}/${name}-${size.width}-${colorScheme}.png`, fullPage: true })
      }
      const problems = await page.evaluate(problemsInBrowser)
      found.push(...problems.map((problem) => `${name}, ${size.width}px, ${colorScheme}: ${problem}`))
    }
  }
  await page.emulateMedia({ colorScheme: "light" })
  await page.setViewportSize(sizes[0])
  return found
}
