"""Neural style transfer (Gatys, Ecker & Bethge 2015, 2016), the package that the notebooks share.

The path that a reader of notebook 4 walks, from a picture to a gradient and back:

    images      pictures in and out (decode: whatever people bring; colors; files)
    vgg         picture → {layer name: activation}, and where a network's weights come from
    costs       the formulas, beside the papers' equations (style_costs: beyond Gram matrices)
    objective   J(G) = α·J_content + β·J_style + γ·TV, a pure function (masks: where)
    optimizers  Adam and L-BFGS: one step, a pure function of their state
    transfer    the run, from coarse to fine (checkpoint: resuming it)

What is built on it:

    settings    each option once; TransferSpec, the value between an option and a run
    job, cli    one job → one file; python -m helpers, a table of jobs, a film
    studio/     the live tuner of notebook 5
    plots, animation, course/, colab    what the notebooks show, ask, and need around them

Pictures are RGB float32 arrays (height, width, 3) with values 0-255 everywhere outside `vgg`.
"""

import os

# Both must be set before the first import of TensorFlow, which is all that this package works with.
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
