"""The routes: thin views that parse, make one service call and render. One module per resource."""
