/* The System page renews itself, but not under somebody who reads its table or is at one of its buttons, nor unseen. */
document.addEventListener("htmx:beforeRequest", event => {
  const part = event.target
  if (part.id !== "system") return
  if (document.hidden || part.querySelector("details[open]") || part.contains(document.activeElement)) event.preventDefault()
})
