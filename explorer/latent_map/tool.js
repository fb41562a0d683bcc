// What a drag on the map does. A tool that changed under a hand that drags would never have heard the drag begin, and
// fail at every move of it: such a change waits for the hand.
// args: figure, wanted (ColumnDataSource), pan, lasso, box (Bokeh's tools; the disc is none of them)
let dragging = false

export default ({ figure, wanted, ...tools }, event) => {
  if (event.event_name == "panstart") dragging = true
  if (event.event_name == "panend") dragging = false
  const tool = tools[wanted.data.tool[0]] ?? null
  if (!dragging && figure.toolbar.active_drag !== tool) figure.toolbar.active_drag = tool
}
