"""Neural style transfer (Gatys, Ecker & Bethge 2015, 2016), the package that the notebooks share.

The path that a reader of notebook 4 walks, from a picture to a gradient and back:

    images      pictures in and out (files: whole files; download; colors: luminance, histograms)
    vgg         picture → {layer name: activation} (weights: where a network's arrays come from)
    costs       the formulas, beside the papers' equations
    objective   J(G) = α·J_content + β·J_style + λ·TV, with weights that may be moved (masks: where)
    optimizers  Adam and L-BFGS: one step
    transfer    the run (canvas: the pixels of G; levels: from coarse to fine; checkpoint: resuming)

What is built on it:

    settings    each option once; python -m helpers --help prints them
    __main__    the command line, paint: one job → one file, batch: a table of jobs, film: frames
    studio/     the live tuner of notebook 5
    plots       figures;  flipbook: pictures that follow one another, as a film or under a slider
    course/     what the notebooks show and ask: drawings, exercises and their answers
    start, keep  their setup cell; uploads, the Drive, runs that outlive a session of Colab
    memory      what a run takes, beforehand
    fast        values and gradients of TensorFlow's own, in less time

Pictures are RGB float32 arrays (height, width, 3) with values 0-255 everywhere outside `vgg`.
"""

import os

# Both must be set before the first import of TensorFlow; a choice of the user's own stays.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
