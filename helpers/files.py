from .images import whole_file, make_folder, check_folder
