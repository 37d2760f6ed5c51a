"""Neural style transfer (Gatys, Ecker & Bethge 2015, 2016), the package that the notebooks share.

    images    pictures in and out
    vgg       picture -> {layer name: activation}
    costs     content cost, Gram matrix, style cost, total variation
    transfer  the optimization of the generated picture's pixels
    session   a painting in progress, without widgets
    studio    its sliders, for Jupyter and Colab, put together of parts
    plots     figures for the notebooks
    __main__  the same job from a shell: python -m helpers --help
    gallery   a table of such jobs: python -m helpers.gallery --help

Pictures are RGB float32 arrays (height, width, 3) with values 0-255 everywhere outside `vgg`.
"""

import os

# Both must be set before the first import of TensorFlow; a choice of the user's own stays.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
