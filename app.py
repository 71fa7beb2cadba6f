"""Start with ``streamlit run app.py``: pages, API and health routes in one process."""

import streamlit as st

from citewise import serve
from citewise.ui.failures import show_failure

# Written out, not taken from serve.build_app(): Streamlit recognises an app by this very call.
app = st.App(serve.SCRIPT, lifespan=serve.lifespan, routes=serve.routes(), on_script_error=show_failure)
