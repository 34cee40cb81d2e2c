/* Undelivered: what the desk's pages do beyond the plain form: ask first, take a suggestion, insert a variable, preview. */
"use strict"

/* Where there are more tabs than room, the one that is open is in sight */
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" })

/* A button that destroys something asks first */
document.addEventListener("click", event => {
  const button = event.target.closest("[data-confirm]")
  if (button && !confirm(button.dataset.confirm)) event.preventDefault()
})

/* "Perhaps ...? Use it": the better address takes the place of the faulty one */
document.addEventListener("click", event => {
  const button = event.target.closest("[data-suggest]")
  if (!button) return
  const box = button.closest("form").querySelector("textarea")
  box.value = box.value.replace(button.dataset.instead, () => button.dataset.suggest)
  box.dispatchEvent(new Event("suggested"))
  box.focus()
})

/* Variables go where the cursor was last, in the subject or the body */
let written = null
document.addEventListener("focusin", event => {
  if (event.target.matches("[data-editor] [name=subject], [data-editor] [name=body]")) written = event.target
})
document.addEventListener("click", event => {
  const button = event.target.closest("[data-insert]")
  if (!button) return
  const box = written || button.form.elements.body
  box.setRangeText(`{{ ${button.dataset.insert} }}`, box.selectionStart, box.selectionEnd, "end")
  box.focus()
  box.dispatchEvent(new Event("input", { bubbles: true }))
})

/* The preview's frame is filled by a POST of the words. A frame that was just made gets no entry in the history */
document.addEventListener("htmx:afterSettle", event => {
  const frame = event.target.querySelector && event.target.querySelector("iframe[name=mail]:not([src])")
  const editor = document.querySelector("[data-editor]")
  const show = document.querySelector("[data-show]")
  if (frame && editor && show) editor.requestSubmit(show)
})
const unsaved = document.querySelector("[data-editor][data-unsaved]")
if (unsaved) window.addEventListener("load", () => htmx.trigger(unsaved, "preview"))
