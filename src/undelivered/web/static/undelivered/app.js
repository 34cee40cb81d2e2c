/* Undelivered: the little script. Everything works without it; it saves clicks, page loads and waiting. */
"use strict"

const root = document.documentElement

/* Theme: the server puts the choice on <html>, so no page flashes; here it changes without a page load */
document.addEventListener("submit", event => {
  const form = event.target
  if (!form.matches("[data-theme-form]")) return
  event.preventDefault()
  const theme = event.submitter ? event.submitter.value : ""
  if (theme) root.dataset.theme = theme
  else delete root.dataset.theme
  form.querySelectorAll("button").forEach(button => button.setAttribute("aria-pressed", button.value === theme))
  const body = new FormData(form)
  body.set("theme", theme)
  fetch(form.action, { method: "POST", body, redirect: "manual" }).catch(() => {})
})

/* Menus close on Escape and on a click elsewhere */
document.addEventListener("click", event => {
  document.querySelectorAll("details.menu[open]").forEach(menu => { if (!menu.contains(event.target)) menu.open = false })
})
document.addEventListener("keydown", event => {
  if (event.key !== "Escape") return
  const menu = document.querySelector("details.menu[open]")
  if (!menu) return
  menu.open = false
  menu.querySelector("summary").focus()
})

/* Toasts: closed by hand; good news leaves by itself, bad news stays */
document.addEventListener("click", event => {
  const close = event.target.closest("[data-close]")
  if (close) close.closest(".toast").remove()
})
function toast(text) {
  const made = document.querySelector("#toast-template").content.cloneNode(true)
  made.querySelector(".toast__text").textContent = text
  document.querySelector("#toasts").append(made)
}
function leave(toasts) {
  toasts.forEach(one => {
    const go = () => { if (one.matches(":hover, :focus-within")) setTimeout(go, 3000); else one.remove() }
    setTimeout(go, 8000)
  })
}
leave(document.querySelectorAll(".toast:not([role=alert])"))

/* A part of the page could not be loaded: say so, leave what is there */
document.addEventListener("htmx:responseError", event => {
  const status = event.detail.xhr.status
  toast(status === 503 ? "The database cannot be reached at the moment. Try again in a minute." : "That did not work. Load the page again.")
})
document.addEventListener("htmx:sendError", () => toast("The server cannot be reached at the moment. Try again in a minute."))

/* Selection in lists. Listens on the document, so rows added later count too */
document.addEventListener("change", event => {
  const listing = event.target.closest(".listing")
  if (listing && event.target.matches(".check")) select(listing, event.target)
})
document.addEventListener("click", event => {
  const all = event.target.closest("[data-select-all]")
  if (!all) return
  const listing = all.closest(".listing")
  const on = all.getAttribute("aria-pressed") !== "true"
  listing.querySelectorAll("tbody .check:enabled").forEach(box => { box.checked = on })
  select(listing)
  if (on) everything(listing, true)
})

function everything(listing, on) {
  const all = listing.querySelector("[data-select-all]")
  const mark = listing.querySelector("[name=everything]")
  if (!all || !mark) return
  all.setAttribute("aria-pressed", on)
  mark.value = on ? "yes" : ""
  if (on) listing.querySelector("[data-count]").textContent = `All ${all.dataset.selectAll} selected`
}

function select(listing, changed) {
  const rows = [...listing.querySelectorAll("tbody .check:enabled")]
  const heads = [...listing.querySelectorAll("thead .check, .bulkbar .check")]
  if (heads.includes(changed)) rows.forEach(box => { box.checked = changed.checked })
  const n = rows.filter(box => box.checked).length
  heads.forEach(box => { box.checked = n > 0 && n === rows.length; box.indeterminate = n > 0 && n < rows.length })
  const count = listing.querySelector("[data-count]")
  if (count) count.textContent = `${n} selected`
  everything(listing, false)
}
const prepare = () => document.querySelectorAll(".listing").forEach(listing => select(listing))
prepare()
document.addEventListener("htmx:afterSettle", prepare)

/* Sending to everybody who matches is asked about once more */
document.addEventListener("submit", event => {
  const everyone = event.target.querySelector("[name=everything]")
  const question = event.submitter && event.submitter.dataset.confirmEverything
  if (everyone && everyone.value && question && !confirm(question)) event.preventDefault()
})

/* What only makes sense with, or without, this script: classes js-only and no-js */
root.classList.add("js")

/* A part that was folded stays folded; on a phone it starts so. The server reads the cookie, so nothing jumps */
document.querySelectorAll("details[data-remember]").forEach(part => {
  const name = part.dataset.remember
  const keep = state => { document.cookie = `${name}=${state}; path=/; max-age=31536000; samesite=lax` }
  if (!document.cookie.includes(`${name}=`) && matchMedia("(max-width: 44rem)").matches) part.open = false
  part.querySelector("summary").addEventListener("click", () => keep(part.open ? "closed" : "open"))
})

/* "12 min ago" goes on counting while the page is open */
const DAY = 86400
function relative(moment, now) {
  const distance = (now - moment) / 1000
  const far = Math.abs(distance)
  if (far < 45) return distance >= 0 ? "Just now" : "in a moment"
  if (far >= 22 * 3600) return null
  const minutes = Math.max(1, Math.round(far / 60))
  const amount = minutes < 60 ? `${minutes} min` : `${Math.round(minutes / 60)} h`
  return distance > 0 ? `${amount} ago` : `in ${amount}`
}
setInterval(() => {
  const now = Date.now()
  document.querySelectorAll("time [data-relative]").forEach(words => {
    const said = relative(Date.parse(words.parentElement.dateTime), now)
    if (said && words.textContent !== said) words.textContent = said
  })
}, 20000)

/* Copy a value: the button names the element that holds it */
document.addEventListener("click", async event => {
  const button = event.target.closest("[data-copy]")
  if (!button) return
  const from = document.getElementById(button.dataset.copy)
  try {
    await navigator.clipboard.writeText(from.textContent.trim())
    button.textContent = "Copied"
  } catch {
    getSelection().selectAllChildren(from)
  }
})
