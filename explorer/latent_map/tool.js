// What a drag on the map does. A tool that changed under a hand that drags would never have heard the drag begin, and
// fail at every move of it: such a change waits for the hand.
// args: figure, wanted (ColumnDataSource), pan, lasso, box (Bokeh's tools; the disc is none of them)
// What it remembers lies with the model.

export default ({ figure, wanted, ...tools }, event) => {
  const own = (wanted.own ??= { dragging: false })
  if (event.event_name == "panstart") own.dragging = true
  if (event.event_name == "panend") own.dragging = false
  const tool = tools[wanted.data.tool[0]] ?? null
  if (!own.dragging && figure.toolbar.active_drag !== tool) figure.toolbar.active_drag = tool
}
